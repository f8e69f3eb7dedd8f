// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

#include "client/cql_config.h"

namespace penstock::client {

// How long to wait after so many failures in a row: doubling, with the upper half left to chance
// (any number) so that many clients do not come back together.
inline Duration backoff(const CqlConfig& config, int failures, std::uint64_t chance) {
  Duration delay = config.backoff_first;
  for (int i = 1; i < failures && delay < config.backoff_max; ++i) delay *= 2;
  delay = std::min(delay, config.backoff_max);
  const auto half = delay.count() / 2;
  return Duration(half + static_cast<std::int64_t>(chance % static_cast<std::uint64_t>(half + 1)));
}

}  // namespace penstock::client
