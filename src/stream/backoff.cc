// SPDX-License-Identifier: Apache-2.0
#include "stream/backoff.h"

#include <algorithm>
#include <random>

namespace penstock::stream {

namespace {

std::minstd_rand& generator() {
  thread_local std::minstd_rand random{std::random_device{}()};
  return random;
}

}  // namespace

double chance_between_0_and_1() {
  return std::uniform_real_distribution<double>(0, 1)(generator());
}

Duration backoff(int attempt, Duration first, Duration most) {
  constexpr int kDoublingsMax = 20;  // far above any `most`, far below an overflow
  const auto factor = std::int64_t{1} << std::clamp(attempt, 0, kDoublingsMax);
  const Duration bound = std::min<Duration>(most, first * factor);
  return Duration(std::uniform_int_distribution<Duration::rep>(0, bound.count())(generator()));
}

}  // namespace penstock::stream
