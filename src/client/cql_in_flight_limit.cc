// SPDX-License-Identifier: Apache-2.0
#include "client/cql_in_flight_limit.h"

#include <algorithm>

namespace penstock::client {
namespace {

// More than this, and more than twice what an answer takes at best, is time spent in queues: a
// larger limit would only lengthen those.
constexpr Duration kPatience = Millis(50);
// The best is that of the last one or two of these, so that a route that has become longer for good
// is believed.
constexpr Duration kPeriod = std::chrono::minutes(2);

Duration patience(const CqlInFlightLimit& limit) {
  Duration shortest = *limit.shortest;
  if (limit.shortest_before) shortest = std::min(shortest, *limit.shortest_before);
  return std::max(kPatience, 2 * shortest);
}

void begin_round(CqlInFlightLimit& limit, TimePoint now) {
  limit.began = now;
  limit.spent = Duration(0);
  limit.answers = 0;
  limit.reached = false;
}

void note_shortest(CqlInFlightLimit& limit, Duration took, TimePoint now) {
  if (!limit.shortest || now - limit.period_began >= kPeriod) {
    limit.shortest_before = limit.shortest;
    limit.shortest = took;
    limit.period_began = now;
  }
  limit.shortest = std::min(*limit.shortest, took);
}

void end_round(CqlInFlightLimit& limit, TimePoint now) {
  const Duration took = limit.spent / static_cast<Duration::rep>(limit.answers);
  const Duration usual = limit.usual.value_or(took);
  const bool slow = took > patience(limit);
  if (limit.reached && (limit.limit < limit.first || (!slow && took <= usual + usual / 2))) {
    // From the least to the most in about a hundred round trips.
    const std::size_t step = std::max<std::size_t>(1, limit.most / 128);
    limit.limit = std::min(limit.most, limit.limit + step);
  } else if (limit.reached && slow && took > 2 * usual) {
    limit.limit = std::max(limit.first, limit.limit - limit.limit / 10);
  }
  limit.usual = usual + (took - usual) / 4;
  begin_round(limit, now);
}

}  // namespace

CqlInFlightLimit::CqlInFlightLimit(std::size_t at_least, std::size_t at_most,
                                   std::size_t to_begin_with)
    : least(std::min(at_least, at_most)),
      most(at_most),
      first(std::clamp(to_begin_with, least, most)),
      limit(first) {}

void count_sent(CqlInFlightLimit& limit, std::size_t in_flight) {
  limit.reached = limit.reached || in_flight >= limit.limit;
}

void adapt(CqlInFlightLimit& limit, TimePoint sent, TimePoint now, CqlLoadSign sign) {
  if (sign == CqlLoadSign::None) return;
  if (sign == CqlLoadSign::TooMuch) {
    if (limit.halved && sent <= *limit.halved) return;
    limit.limit = std::max(limit.least, limit.limit / 2);
    limit.halved = now;
    return begin_round(limit, now);
  }
  note_shortest(limit, now - sent, now);
  limit.spent += now - sent;
  ++limit.answers;
  if (sent >= limit.began) end_round(limit, now);
}

}  // namespace penstock::client
