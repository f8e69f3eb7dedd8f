// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>

#include "base/clock.h"

namespace penstock::client {

// How many requests a node is given at a time, found as TCP finds its window: a little more each
// round trip while that is what holds us back and answers do not slow down (additive increase),
// half when the node says that it is too much (multiplicative decrease). Slow answers alone do not
// bring it below where it began. A plain value; adapt() changes it.
//
// A round ends with the first answer to a request that was sent after the round had begun: only
// then is the effect of the limit seen.
struct CqlInFlightLimit {
  CqlInFlightLimit(std::size_t at_least, std::size_t at_most, std::size_t to_begin_with);

  std::size_t least;
  std::size_t most;
  std::size_t first;
  std::size_t limit;

  // The round at hand.
  TimePoint began{};
  Duration spent{0};        // waiting for its answers, all together
  std::size_t answers = 0;  // what is in `spent`
  bool reached = false;     // the limit was what held requests back

  std::optional<Duration> usual;  // what an answer takes lately
  // The shortest that one took, in this period and in the one before.
  std::optional<Duration> shortest;
  std::optional<Duration> shortest_before;
  TimePoint period_began{};
  std::optional<TimePoint> halved;  // when; what was sent before tells nothing new
};

// What an answer says about the node's load.
enum class CqlLoadSign {
  Fine,
  TooMuch,  // overloaded, or it took too long
  None,     // other errors
};

// Before each request goes out; `in_flight` counts it.
void count_sent(CqlInFlightLimit& limit, std::size_t in_flight);
// With each answer, at `now`, to what was sent at `sent`.
void adapt(CqlInFlightLimit& limit, TimePoint sent, TimePoint now, CqlLoadSign sign);

}  // namespace penstock::client
