// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/clock.h"

namespace penstock::main_room {

// SIGINT and SIGTERM as an event. Make it before any other thread starts, so that every thread
// inherits the blocked signals. After the first signal the second ends the process at once, for
// whoever cannot wait.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // Blocks until a signal came (its number) or release() was called (0).
  int wait();
  // The same, or nothing when neither happened in time.
  std::optional<int> wait_for(Millis time);
  void release();  // any thread

 private:
  int signals_;
  int released_;
};

}  // namespace penstock::main_room
