// SPDX-License-Identifier: Apache-2.0
#include "main/stop_limit.h"

#include <cstdlib>

#include "base/logging.h"
#include "main/exit_code.h"

namespace penstock::main_room {

StopLimit::StopLimit(Duration limit) : thread_("stop-limit", [this, limit] { watch(limit); }) {}

StopLimit::~StopLimit() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

void StopLimit::watch(Duration limit) {
  std::unique_lock lock(mutex_);
  if (changed_.wait_for(lock, limit, [this] { return stopped_; })) return;
  log_warn("main", "stopping takes too long; ending as after a power cut, which loses nothing");
  std::_Exit(kOk);
}

}  // namespace penstock::main_room
