// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <optional>

#include "base/clock.h"

namespace penstock::stream {

// What share of the time something was busy between two looks. A value without a thread.
class BusyShare {
 public:
  explicit BusyShare(TimePoint now) : looked_(now) {}

  void begin(TimePoint now) { began_ = now; }
  void end(TimePoint now) {
    if (began_) busy_ += now - std::max(*began_, looked_);
    began_.reset();
  }

  // Since the last look; between 0 and 1.
  double look(TimePoint now) {
    if (now <= looked_) return began_ ? 1 : 0;
    if (began_) busy_ += now - std::max(*began_, looked_);
    const double share = std::chrono::duration<double>(busy_) / (now - looked_);
    looked_ = now;
    busy_ = Duration(0);
    return std::min(share, 1.0);
  }

 private:
  TimePoint looked_;
  Duration busy_{0};
  std::optional<TimePoint> began_;
};

}  // namespace penstock::stream
