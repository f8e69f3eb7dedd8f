// SPDX-License-Identifier: Apache-2.0
#include "sql/text_values.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "base/uuid.h"

namespace penstock::sql {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

bool same_letters(std::string_view a, std::string_view lower) {
  if (a.size() != lower.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const char c = a[i] >= 'A' && a[i] <= 'Z' ? static_cast<char>(a[i] + 32) : a[i];
    if (c != lower[i]) return false;
  }
  return true;
}

// Takes exactly `digits` decimal digits from the front.
bool take_digits(std::string_view& text, std::size_t digits, int& value) {
  if (text.size() < digits) return false;
  value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return true;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

// Days since 1970-01-01 of a date in the proleptic Gregorian calendar, counted in eras of 400 years
// from 1 March.
std::int64_t days_from_civil(int year, int month, int day) {
  const std::int64_t y = month <= 2 ? year - 1 : year;
  const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  const std::int64_t year_of_era = y - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146'097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
         719'468;
}

struct Civil {
  std::int64_t year;
  std::int64_t month;
  std::int64_t day;
};
Civil civil_from_days(std::int64_t days) {
  days += 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const std::int64_t day_of_era = days - era * 146'097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted = (5 * day_of_year + 2) / 153;
  const std::int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month,
          day_of_year - (153 * shifted + 2) / 5 + 1};
}

bool take_date(std::string_view& text, std::int64_t& days) {
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int year = 0;
  int month = 0;
  int day = 0;
  if (!take_digits(text, 4, year) || !take(text, '-') || !take_digits(text, 2, month) ||
      !take(text, '-') || !take_digits(text, 2, day)) {
    return false;
  }
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  if (month < 1 || month > 12 || day < 1) return false;
  if (day > kDays[month - 1] + (month == 2 && leap ? 1 : 0)) return false;
  days = days_from_civil(year, month, day);
  return true;
}

bool take_zone(std::string_view& text, int& minutes) {
  minutes = 0;
  if (text.empty() || take(text, 'Z') || take(text, 'z')) return true;
  const bool west = text.front() == '-';
  if (!take(text, '+') && !take(text, '-')) return false;
  int hours = 0;
  int rest = 0;
  if (!take_digits(text, 2, hours)) return false;
  if (!text.empty()) {
    take(text, ':');
    if (!take_digits(text, 2, rest)) return false;
  }
  if (hours > 18 || rest > 59) return false;
  minutes = (hours * 60 + rest) * (west ? -1 : 1);
  return true;
}

}  // namespace

std::optional<std::int64_t> parse_int(std::string_view text) {
  text = trimmed(text);
  if (text.size() > 1 && text.front() == '+' && text[1] != '-') text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> parse_double(std::string_view text) {
  text = trimmed(text);
  if (same_letters(text, "nan")) return std::numeric_limits<double>::quiet_NaN();
  if (same_letters(text, "infinity")) return std::numeric_limits<double>::infinity();
  if (same_letters(text, "-infinity")) return -std::numeric_limits<double>::infinity();
  if (text.size() > 1 && text.front() == '+' && text[1] != '-') text.remove_prefix(1);
  // from_chars also reads "inf" and "nan(...)", which are not ours.
  if (text.empty() || text.find_first_not_of("0123456789.eE+-") != std::string_view::npos)
    return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<bool> parse_boolean(std::string_view text) {
  text = trimmed(text);
  for (const std::string_view yes : {"true", "t", "yes", "y", "1"}) {
    if (same_letters(text, yes)) return true;
  }
  for (const std::string_view no : {"false", "f", "no", "n", "0"}) {
    if (same_letters(text, no)) return false;
  }
  return std::nullopt;
}

std::optional<std::int64_t> parse_timestamp(std::string_view text) {
  text = trimmed(text);
  std::int64_t days = 0;
  if (!take_date(text, days)) return std::nullopt;
  std::int64_t millis = days * 86'400'000;
  if (text.empty()) return millis;
  if (!take(text, 'T') && !take(text, 't') && !take(text, ' ')) return std::nullopt;
  int hours = 0;
  int minutes = 0;
  int seconds = 0;
  if (!take_digits(text, 2, hours) || !take(text, ':') || !take_digits(text, 2, minutes))
    return std::nullopt;
  if (take(text, ':')) {
    if (!take_digits(text, 2, seconds)) return std::nullopt;
    if (take(text, '.')) {
      if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
      for (int unit = 100; !text.empty() && text.front() >= '0' && text.front() <= '9';
           unit /= 10) {
        millis += (text.front() - '0') * unit;
        text.remove_prefix(1);
      }
    }
  }
  if (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  int zone = 0;
  if (hours > 23 || minutes > 59 || seconds > 59 || !take_zone(text, zone) || !text.empty())
    return std::nullopt;
  return millis + ((hours * 60 + minutes - zone) * 60 + seconds) * std::int64_t{1000};
}

std::optional<std::int64_t> parse_date(std::string_view text) {
  text = trimmed(text);
  std::int64_t days = 0;
  if (!take_date(text, days) || !text.empty()) return std::nullopt;
  return days;
}

std::string format_double(double value, bool single) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  char raw[64];
  const auto end = single ? std::to_chars(raw, raw + sizeof raw, static_cast<float>(value))
                          : std::to_chars(raw, raw + sizeof raw, value);
  std::string text(raw, end.ptr);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string format_date(std::int64_t days) {
  const Civil date = civil_from_days(days);
  return fmt::format("{:04}-{:02}-{:02}", date.year, date.month, date.day);
}

std::string format_timestamp(std::int64_t millis) {
  std::int64_t days = millis / 86'400'000;
  std::int64_t rest = millis % 86'400'000;
  if (rest < 0) {
    rest += 86'400'000;
    --days;
  }
  std::string text = fmt::format("{} {:02}:{:02}:{:02}", format_date(days), rest / 3'600'000,
                                 rest / 60'000 % 60, rest / 1000 % 60);
  if (rest % 1000 != 0) text += fmt::format(".{:03}", rest % 1000);
  return text;
}

bool fits(Type type, std::int64_t value) {
  switch (type) {
    case Type::Tinyint:
      return value == static_cast<std::int8_t>(value);
    case Type::Smallint:
      return value == static_cast<std::int16_t>(value);
    case Type::Int:
    case Type::Date:
      return value == static_cast<std::int32_t>(value);
    default:
      return true;
  }
}

bool append_parsed(Column& to, std::string_view text) {
  switch (to.type()) {
    case Type::Text:
      to.append_bytes(text);
      return true;
    case Type::Ascii:
      for (const char c : text) {
        if (static_cast<unsigned char>(c) > 127) return false;
      }
      to.append_bytes(text);
      return true;
    case Type::Uuid:
    case Type::Timeuuid: {
      const auto uuid = Uuid::parse(trimmed(text));
      if (!uuid || (to.type() == Type::Timeuuid && (uuid->bytes[6] >> 4) != 1)) return false;
      to.append_bytes(uuid->view());
      return true;
    }
    case Type::Float:
    case Type::Double: {
      const auto value = parse_double(text);
      if (value) to.append_double(*value);
      return value.has_value();
    }
    case Type::Boolean: {
      const auto value = parse_boolean(text);
      if (value) to.append_int(*value ? 1 : 0);
      return value.has_value();
    }
    default: {
      const auto value = to.type() == Type::Timestamp ? parse_timestamp(text)
                         : to.type() == Type::Date    ? parse_date(text)
                                                      : parse_int(text);
      if (!value || !fits(to.type(), *value)) return false;
      to.append_int(*value);
      return true;
    }
  }
}

std::string cell_text(const Column& column, std::size_t row) {
  switch (column.type()) {
    case Type::Text:
    case Type::Ascii:
      return std::string(column.bytes_at(row));
    case Type::Uuid:
    case Type::Timeuuid: {
      Uuid uuid;
      std::memcpy(uuid.bytes.data(), column.bytes_at(row).data(), uuid.bytes.size());
      return uuid.text();
    }
    case Type::Float:
    case Type::Double:
      return format_double(column.double_at(row), column.type() == Type::Float);
    case Type::Boolean:
      return column.int_at(row) != 0 ? "true" : "false";
    case Type::Timestamp:
      return format_timestamp(column.int_at(row));
    case Type::Date:
      return format_date(column.int_at(row));
    default:
      return std::to_string(column.int_at(row));
  }
}

}  // namespace penstock::sql
