// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>

#include <cmath>

#include "wire/cql/big_integer.h"
#include "wire/cql/calendar.h"
#include "wire/cql/collection.h"
#include "wire/cql/scalar_types.h"
#include "wire/cql/values.h"

namespace penstock::cql {
namespace {

enum class Style { Cqlsh, Literal };

std::string hexadecimal(BytesView bytes) {
  std::string text = "0x";
  text.reserve(2 + 2 * bytes.size());
  for (const char byte : bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    text += kDigits[static_cast<std::uint8_t>(byte) >> 4];
    text += kDigits[static_cast<std::uint8_t>(byte) & 15];
  }
  return text;
}

std::string quoted(std::string_view text) {
  std::string literal = "'";
  for (const char c : text) literal.append(c == '\'' ? 2 : 1, c);
  return literal + '\'';
}

// cqlsh gives `precision` digits after the point as long as %g would not turn to an exponent.
template <class T>
std::string floating(T value, int precision, Style style) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  if (style == Style::Literal) return fmt::format("{}", value);
  const double wide = static_cast<double>(value);
  if (std::fabs(wide) > 2.220446049250313e-16) {
    const int exponent = static_cast<int>(std::log10(std::fabs(wide)));
    if (exponent >= -4 && exponent < precision) precision += exponent + 1;
  }
  return fmt::format("{:.{}g}", wide, precision);
}

// As Java and Python print it: plain unless that would need many zeros.
std::string decimal(BytesView value) {
  const auto parsed = decode<Kind::Decimal>(value);
  if (!parsed) return hexadecimal(value);
  std::string digits = integer_digits(parsed->unscaled);
  std::string text;
  if (digits.starts_with('-')) {
    text = "-";
    digits.erase(0, 1);
  }
  const auto scale = static_cast<std::int64_t>(parsed->scale);
  const auto count = static_cast<std::int64_t>(digits.size());
  const std::int64_t exponent = count - 1 - scale;
  if (scale == 0) return text + digits;
  if (scale > 0 && exponent >= -6) {
    if (count <= scale) digits.insert(0, static_cast<std::size_t>(scale - count + 1), '0');
    digits.insert(digits.size() - static_cast<std::size_t>(scale), 1, '.');
    return text + digits;
  }
  if (digits.size() > 1) digits.insert(1, 1, '.');
  return fmt::format("{}{}E{:+}", text, digits, exponent);
}

std::string duration(const CqlDuration& value) {
  std::string text;
  if (value.months < 0 || value.days < 0 || value.nanos < 0) text = "-";
  const auto magnitude = [](std::int64_t number) {
    return number < 0 ? ~static_cast<std::uint64_t>(number) + 1
                      : static_cast<std::uint64_t>(number);
  };
  const auto add = [&text](std::uint64_t& rest, std::uint64_t unit, std::string_view unit_name) {
    if (rest >= unit) text += fmt::format("{}{}", rest / unit, unit_name);
    rest %= unit;
  };
  std::uint64_t months = magnitude(value.months);
  std::uint64_t days = magnitude(value.days);
  std::uint64_t nanos = magnitude(value.nanos);
  add(months, 12, "y");
  add(months, 1, "mo");
  add(days, 1, "d");
  add(nanos, 3'600'000'000'000, "h");
  add(nanos, 60'000'000'000, "m");
  add(nanos, 1'000'000'000, "s");
  add(nanos, 1'000'000, "ms");
  add(nanos, 1'000, "us");
  add(nanos, 1, "ns");
  return text.empty() || text == "-" ? "0ns" : text;
}

std::string inet(BytesView value) {
  char text[INET6_ADDRSTRLEN];
  inet_ntop(value.size() == 4 ? AF_INET : AF_INET6, value.data(), text, sizeof text);
  return text;
}

std::string uuid(BytesView value) {
  return decode<Kind::Uuid>(value)->text();
}

// `value` is valid and not empty unless the kind is a text or blob.
std::string scalar(Kind kind, BytesView value, Style style) {
  const bool literal = style == Style::Literal;
  const auto maybe_quoted = [literal](std::string text) { return literal ? quoted(text) : text; };
  switch (kind) {
    case Kind::Ascii:
    case Kind::Text:
      return maybe_quoted(std::string(value));
    case Kind::Blob:
      return hexadecimal(value);
    case Kind::Boolean:
      if (literal) return value[0] != 0 ? "true" : "false";
      return value[0] != 0 ? "True" : "False";
    case Kind::Bigint:
    case Kind::Counter:
      return fmt::format("{}", load_be<std::int64_t>(value.data()));
    case Kind::Int:
      return fmt::format("{}", load_be<std::int32_t>(value.data()));
    case Kind::Smallint:
      return fmt::format("{}", load_be<std::int16_t>(value.data()));
    case Kind::Tinyint:
      return fmt::format("{}", static_cast<int>(static_cast<std::int8_t>(value[0])));
    case Kind::Float:
      return floating(CqlType<Kind::Float>::load(value), 5, style);
    case Kind::Double:
      return floating(CqlType<Kind::Double>::load(value), 12, style);
    case Kind::Varint:
      return integer_digits(value);
    case Kind::Decimal:
      return decimal(value);
    case Kind::Duration:
      return duration(*decode<Kind::Duration>(value));
    case Kind::Inet:
      return maybe_quoted(inet(value));
    case Kind::Date: {
      const auto raw = load_be<std::uint32_t>(value.data());
      if (literal) return fmt::format("{}", raw);  // years beyond 9999 have no agreed spelling
      return format_day(static_cast<std::int64_t>(raw) - (std::int64_t{1} << 31));
    }
    case Kind::Time:
      return maybe_quoted(format_time_of_day(load_be<std::int64_t>(value.data())));
    case Kind::Timestamp: {
      const auto millis = load_be<std::int64_t>(value.data());
      return literal ? fmt::format("{}", millis) : format_timestamp(millis);
    }
    case Kind::Uuid:
    case Kind::Timeuuid:
      return uuid(value);
    default:
      return hexadecimal(value);
  }
}

std::string format_any(const TypeRef& type, BytesView value, Style style);

std::string format_elements(const TypeRef& type, BytesView value) {
  const bool map = type.kind() == Kind::Map;
  const std::string_view brackets = type.kind() == Kind::List    ? "[]"
                                    : type.kind() == Kind::Tuple ? "()"
                                                                 : "{}";
  std::string text(1, brackets[0]);
  std::size_t index = 0;
  const auto add = [&](const TypeRef& child, const CellValue& element) {
    if (index > 0) text += map && index % 2 == 1 ? ": " : ", ";
    if (type.kind() == Kind::Udt) text.append(type.field_names()[index]).append(": ");
    // Inside a collection cqlsh quotes texts and leaves the rest as it is.
    const Kind kind = child.kind();
    const bool quote = kind == Kind::Text || kind == Kind::Ascii;
    text += element.is_null() ? "null"
            : quote           ? quoted(element.view())
                              : format_any(child, element.view(), Style::Cqlsh);
    ++index;
    return true;
  };
  each_element(type, value, add);
  return text + brackets[1];
}

std::string format_literal_elements(const TypeRef& type, BytesView value) {
  const bool map = type.kind() == Kind::Map;
  const std::string_view brackets = type.kind() == Kind::List    ? "[]"
                                    : type.kind() == Kind::Tuple ? "()"
                                                                 : "{}";
  std::string text(1, brackets[0]);
  std::size_t index = 0;
  each_element(type, value, [&](const TypeRef& child, const CellValue& element) {
    if (index > 0) text += map && index % 2 == 1 ? ": " : ", ";
    if (type.kind() == Kind::Udt) text.append(type.field_names()[index]).append(": ");
    text += element.is_null() ? "null" : format_any(child, element.view(), Style::Literal);
    ++index;
    return true;
  });
  return text + brackets[1];
}

std::string format_any(const TypeRef& type, BytesView value, Style style) {
  const Kind kind = type.kind();
  if (kind == Kind::Custom || kind == Kind::Blob) return hexadecimal(value);
  const bool text = kind == Kind::Text || kind == Kind::Ascii;
  if (!validate(type, value)) return hexadecimal(value);
  if (value.empty() && !text) return style == Style::Literal ? "''" : "";
  if (type.scalar()) return scalar(kind, value, style);
  return style == Style::Literal ? format_literal_elements(type, value)
                                 : format_elements(type, value);
}

}  // namespace

std::string format_value(const TypeRef& type, const CellValue& value) {
  return value.absent() ? "null" : format_any(type, value.view(), Style::Cqlsh);
}
std::string format_literal(const TypeRef& type, BytesView value) {
  return format_any(type, value, Style::Literal);
}

CollectionBuilder& CollectionBuilder::add(BytesView element) {
  append_be(bytes_, static_cast<std::int32_t>(element.size()));
  bytes_.append(element);
  ++elements_;
  return *this;
}

Bytes CollectionBuilder::take_list() {
  store_be(bytes_.data(), elements_);
  return std::move(bytes_);
}

Bytes CollectionBuilder::take_map() {
  store_be(bytes_.data(), elements_ / 2);
  return std::move(bytes_);
}

}  // namespace penstock::cql
