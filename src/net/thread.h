// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "net/loop.h"

namespace penstock::net {

// One named thread for work that blocks for as long as the process runs (a poll of librdkafka).
// Starts at once; the destructor joins, so tell the work to end first.
class Thread {
 public:
  Thread(const std::string& name, Work work);
  ~Thread();  // join()
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  void join();  // later calls do nothing; one caller at a time

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::net
