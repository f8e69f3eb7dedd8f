// SPDX-License-Identifier: Apache-2.0
#include "wire/cql/calendar.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/result.h"
#include "wire/cql/values.h"

namespace penstock::cql {
namespace {

// The calendar repeats every 400 years. Counting years from March puts the leap day last, so that
// month lengths follow one formula.
constexpr std::int64_t kDaysIn400Years = 146'097;
constexpr std::int64_t kDaysToMarch0000 = 719'468;  // 0000-03-01 to 1970-01-01

constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

bool leap(std::int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int days_in(std::int64_t year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return kDays[month - 1] + (month == 2 && leap(year) ? 1 : 0);
}

// Up to nine digits and nothing else.
std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  if (text.empty() || text.size() > 9 ||
      !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) {
    return std::nullopt;
  }
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Seconds east of UTC of "Z", "+02", "+0200", "+02:00".
std::optional<std::int64_t> parse_zone(std::string_view text) {
  if (text == "Z" || text == "z") return 0;
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const int sign = text[0] == '-' ? -1 : 1;
  text.remove_prefix(1);
  std::string_view minutes = "00";
  if (text.size() == 5 && text[2] == ':')
    minutes = text.substr(3);
  else if (text.size() == 4)
    minutes = text.substr(2);
  else if (text.size() != 2)
    return std::nullopt;
  const auto h = number(text.substr(0, 2));
  const auto m = number(minutes);
  if (!h || !m || *h > 18 || *m > 59) return std::nullopt;
  return sign * (*h * 3600 + *m * 60);
}

}  // namespace

std::int64_t days_since_1970(const CivilDay& civil) {
  const std::int64_t year = civil.month <= 2 ? civil.year - 1 : civil.year;
  const std::int64_t era = floor_div(year, 400);
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t month_from_march = (civil.month + 9) % 12;
  const std::int64_t day_of_year = (153 * month_from_march + 2) / 5 + civil.day - 1;
  const std::int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * kDaysIn400Years + day_of_era - kDaysToMarch0000;
}

CivilDay civil_day(std::int64_t days) {
  days += kDaysToMarch0000;
  const std::int64_t era = floor_div(days, kDaysIn400Years);
  const std::int64_t day_of_era = days - era * kDaysIn400Years;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month_from_march = (5 * day_of_year + 2) / 153;
  CivilDay civil;
  civil.day = static_cast<int>(day_of_year - (153 * month_from_march + 2) / 5 + 1);
  civil.month =
      static_cast<int>(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
  civil.year = year_of_era + era * 400 + (civil.month <= 2 ? 1 : 0);
  return civil;
}

std::optional<std::int64_t> parse_day(std::string_view text) {
  const bool before_zero = text.starts_with('-');
  if (before_zero) text.remove_prefix(1);
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos || dash < 4 || text.size() < dash + 4) return std::nullopt;
  const std::size_t second = text.find('-', dash + 1);
  if (second == std::string_view::npos || second - dash > 3 || text.size() - second > 3)
    return std::nullopt;
  const auto year = number(text.substr(0, dash));
  const auto month = number(text.substr(dash + 1, second - dash - 1));
  const auto day = number(text.substr(second + 1));
  if (!year || !month || !day || *month < 1 || *month > 12) return std::nullopt;
  const CivilDay civil{before_zero ? -*year : *year, static_cast<int>(*month),
                       static_cast<int>(*day)};
  if (civil.day < 1 || civil.day > days_in(civil.year, civil.month)) return std::nullopt;
  return days_since_1970(civil);
}

std::string format_day(std::int64_t days) {
  const CivilDay civil = civil_day(days);
  return fmt::format("{}{:04}-{:02}-{:02}", civil.year < 0 ? "-" : "",
                     civil.year < 0 ? -civil.year : civil.year, civil.month, civil.day);
}

std::optional<std::int64_t> parse_time_of_day(std::string_view text) {
  if (text.size() < 5 || text[2] != ':') return std::nullopt;
  const auto hour = number(text.substr(0, 2));
  const auto minute = number(text.substr(3, 2));
  std::optional<std::int64_t> second = 0;
  std::int64_t nanos = 0;
  std::string_view rest = text.substr(5);
  if (!rest.empty()) {
    if (rest.size() < 3 || rest[0] != ':') return std::nullopt;
    second = number(rest.substr(1, 2));
    rest.remove_prefix(3);
  }
  if (!rest.empty()) {
    const auto fraction = number(rest.substr(1));
    if (rest[0] != '.' || !fraction) return std::nullopt;
    nanos = *fraction;
    for (std::size_t digits = rest.size() - 1; digits < 9; ++digits) nanos *= 10;
  }
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 59)
    return std::nullopt;
  return (*hour * 3600 + *minute * 60 + *second) * 1'000'000'000 + nanos;
}

std::string format_time_of_day(std::int64_t nanos) {
  const std::int64_t seconds = nanos / 1'000'000'000;
  return fmt::format("{:02}:{:02}:{:02}.{:09}", seconds / 3600, seconds / 60 % 60, seconds % 60,
                     nanos % 1'000'000'000);
}

Result<std::int64_t> parse_timestamp(std::string_view text) {
  const auto bad = [text] {
    return fail(Code::InvalidArgument,
                "'{}' is not a timestamp such as 2023-10-01 12:00:00.000+0000", text);
  };
  const std::size_t gap = text.find_first_of("Tt ");
  const auto day = parse_day(text.substr(0, gap));
  if (!day) return bad();
  std::string_view rest = gap == std::string_view::npos ? std::string_view() : text.substr(gap + 1);
  std::int64_t nanos = 0;
  std::int64_t zone_seconds = 0;
  if (!rest.empty()) {
    const std::size_t zone_at = std::min(rest.find_first_of("Zz+- "), rest.size());
    const auto time = parse_time_of_day(rest.substr(0, zone_at));
    if (!time) return bad();
    nanos = *time;
    rest.remove_prefix(zone_at);
    if (rest.starts_with(' ')) rest.remove_prefix(1);
    if (!rest.empty()) {
      const auto zone = parse_zone(rest);
      if (!zone) return bad();
      zone_seconds = *zone;
    }
  } else if (gap != std::string_view::npos) {
    return bad();
  }
  std::int64_t millis;
  if (__builtin_mul_overflow(*day, kMillisADay, &millis) ||
      __builtin_add_overflow(millis, nanos / 1'000'000 - zone_seconds * 1000, &millis)) {
    return fail(Code::OutOfRange, "'{}' is outside the range of a timestamp", text);
  }
  return millis;
}

std::string format_timestamp(std::int64_t millis) {
  const std::int64_t day = floor_div(millis, kMillisADay);
  std::int64_t of_day = millis % kMillisADay;  // not by the day's start, which may be out of range
  if (of_day < 0) of_day += kMillisADay;
  const std::int64_t seconds = of_day / 1000;
  return fmt::format("{} {:02}:{:02}:{:02}.{:06}+0000", format_day(day), seconds / 3600,
                     seconds / 60 % 60, seconds % 60, of_day % 1000 * 1000);
}

}  // namespace penstock::cql
