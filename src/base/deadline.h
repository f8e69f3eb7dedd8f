// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "base/clock.h"

namespace penstock {

// By when something that has several parts must be over. Handed down by value; each part takes a
// share of what the parts before it have left, so their limits cannot add up to more.
class Deadline {
 public:
  explicit Deadline(Duration from_now) : at_(system_clock().now() + from_now) {}

  Duration left() const { return std::max(at_ - system_clock().now(), Duration(0)); }

 private:
  TimePoint at_;
};

}  // namespace penstock
