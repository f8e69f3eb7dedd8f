// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <mutex>

#include "base/clock.h"
#include "net/thread.h"

namespace penstock::main_room {

// Ends the process when stopping it takes longer than `limit`, wherever it hangs (a disk, a peer, a
// library): what was acknowledged is on disk at any time, and the next start recovers what could
// not be closed. Does nothing when it is destroyed before.
class StopLimit {
 public:
  explicit StopLimit(Duration limit);
  ~StopLimit();
  StopLimit(const StopLimit&) = delete;
  StopLimit& operator=(const StopLimit&) = delete;

 private:
  void watch(Duration limit);

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  net::Thread thread_;
};

}  // namespace penstock::main_room
