// SPDX-License-Identifier: Apache-2.0
// Days and the proleptic Gregorian calendar, over the whole range of date and timestamp
// (std::chrono's years end at 32767).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::cql {

struct CivilDay {
  std::int64_t year = 1970;
  int month = 1;
  int day = 1;
};

inline constexpr std::int64_t kMillisADay = 86'400'000;
inline constexpr std::int64_t kNanosADay = 86'400'000'000'000;

std::int64_t days_since_1970(const CivilDay& civil);
CivilDay civil_day(std::int64_t days_since_1970);

// "[-]YYYY-MM-DD"; none if it is not one, or no day of the calendar.
std::optional<std::int64_t> parse_day(std::string_view text);
std::string format_day(std::int64_t days_since_1970);

// "HH:MM[:SS[.fraction]]" as nanoseconds since midnight; up to nine digits of fraction.
std::optional<std::int64_t> parse_time_of_day(std::string_view text);
// "HH:MM:SS.nnnnnnnnn"
std::string format_time_of_day(std::int64_t nanos);

}  // namespace penstock::cql
