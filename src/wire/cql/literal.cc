// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <strings.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "wire/cql/big_integer.h"
#include "wire/cql/calendar.h"
#include "wire/cql/order_key.h"
#include "wire/cql/scalar_types.h"
#include "wire/cql/values.h"

namespace penstock::cql {
namespace {

constexpr int kDepthMax = 16;

bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, digit);
}
bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

Failure not_a(Kind kind, std::string_view text) {
  constexpr std::size_t kShown = 60;
  return fail(Code::InvalidArgument, "'{}{}' is not a valid {}", text.substr(0, kShown),
              text.size() > kShown ? "..." : "", name(kind));
}

bool is_integer(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return all_digits(text);
}

template <class T>
std::optional<T> integer(std::string_view text) {
  if (text.starts_with('+') && is_integer(text)) text.remove_prefix(1);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <Kind kind, class T>
Result<void> append_integer_of(std::string_view text, Bytes& to) {
  const auto value = integer<T>(text);
  if (!value) return not_a(kind, text);
  CqlType<kind>::encode(*value, to);
  return {};
}

template <Kind kind, class T>
Result<void> append_floating(std::string_view text, Bytes& to) {
  const bool negative = text.starts_with('-');
  const std::string_view unsigned_text = negative || text.starts_with('+') ? text.substr(1) : text;
  T value{};
  if (same_word(unsigned_text, "NaN")) {
    value = std::numeric_limits<T>::quiet_NaN();
  } else if (same_word(unsigned_text, "Infinity")) {
    value = std::numeric_limits<T>::infinity();
  } else {
    const bool numeric =
        !unsigned_text.empty() && (digit(unsigned_text[0]) || unsigned_text[0] == '.');
    const auto [end, error] =
        std::from_chars(unsigned_text.data(), unsigned_text.data() + unsigned_text.size(), value);
    if (!numeric || error != std::errc() || end != unsigned_text.data() + unsigned_text.size())
      return not_a(kind, text);
  }
  CqlType<kind>::encode(negative ? -value : value, to);
  return {};
}

Result<void> append_varint(std::string_view text, Bytes& to) {
  if (!is_integer(text) || text.size() > kIntegerDigitsMax) return not_a(Kind::Varint, text);
  const bool negative = text[0] == '-';
  if (!digit(text[0])) text.remove_prefix(1);
  append_integer(negative, text, to);
  return {};
}

Result<void> append_decimal(std::string_view text, Bytes& to) {
  const auto bad = [&] { return not_a(Kind::Decimal, text); };
  std::string_view mantissa = text;
  std::int64_t exponent = 0;
  if (const std::size_t e = text.find_first_of("eE"); e != std::string_view::npos) {
    const auto parsed = integer<std::int32_t>(text.substr(e + 1));
    if (!parsed) return bad();
    exponent = *parsed;
    mantissa = text.substr(0, e);
  }
  const bool negative = mantissa.starts_with('-');
  if (negative || mantissa.starts_with('+')) mantissa.remove_prefix(1);
  const std::size_t dot = std::min(mantissa.find('.'), mantissa.size());
  const std::string_view fraction = mantissa.substr(std::min(dot + 1, mantissa.size()));
  const std::string digits = std::string(mantissa.substr(0, dot)).append(fraction);
  const std::int64_t scale = static_cast<std::int64_t>(fraction.size()) - exponent;
  if (!all_digits(digits) || digits.size() > kIntegerDigitsMax ||
      scale != static_cast<std::int32_t>(scale))
    return bad();
  append_be(to, static_cast<std::int32_t>(scale));
  append_integer(negative, digits, to);
  return {};
}

Result<void> append_blob(std::string_view text, Bytes& to) {
  const auto nibble = [](char c) {
    if (digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  if (text.size() % 2 != 0 || !(text.starts_with("0x") || text.starts_with("0X")))
    return not_a(Kind::Blob, text);
  const std::size_t begin = to.size();
  for (std::size_t i = 2; i < text.size(); i += 2) {
    const int high = nibble(text[i]);
    const int low = nibble(text[i + 1]);
    if (high < 0 || low < 0) {
      to.resize(begin);
      return not_a(Kind::Blob, text);
    }
    to.push_back(static_cast<char>(high * 16 + low));
  }
  return {};
}

Result<void> append_inet(std::string_view text, Bytes& to) {
  const std::string zero_ended(text);
  char address[16];
  if (inet_pton(AF_INET, zero_ended.c_str(), address) == 1) {
    to.append(address, 4);
  } else if (inet_pton(AF_INET6, zero_ended.c_str(), address) == 1) {
    to.append(address, 16);
  } else {
    return not_a(Kind::Inet, text);
  }
  return {};
}

// Adds count * unit to `to`; false when it does not fit.
template <class T>
bool add_units(T& to, std::int64_t count, std::int64_t unit) {
  std::int64_t product = 0;
  return !__builtin_mul_overflow(count, unit, &product) &&
         !__builtin_add_overflow(to, product, &to);
}

// "1y2mo3w4d5h6m7s8ms9us10ns", any units in this order.
bool parse_duration_units(std::string_view text, CqlDuration& to) {
  enum Part { kMonths, kDays, kNanos };
  struct Unit {
    std::string_view name;
    Part part;
    std::int64_t factor;
  };
  constexpr Unit kUnits[] = {
      {"y", kMonths, 12},
      {"mo", kMonths, 1},
      {"w", kDays, 7},
      {"d", kDays, 1},
      {"h", kNanos, 3600'000'000'000},
      {"m", kNanos, 60'000'000'000},
      {"s", kNanos, 1'000'000'000},
      {"ms", kNanos, 1'000'000},
      {"us", kNanos, 1000},
      {"\xC2\xB5s", kNanos, 1000},
      {"ns", kNanos, 1},
  };
  std::size_t next_unit = 0;
  if (text.empty()) return false;
  while (!text.empty()) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto count = integer<std::int64_t>(text.substr(0, digits));
    text.remove_prefix(digits);
    const std::size_t letters = std::min(text.find_first_of("0123456789"), text.size());
    const std::string_view unit_name = text.substr(0, letters);
    text.remove_prefix(letters);
    while (next_unit < std::size(kUnits) && !same_word(kUnits[next_unit].name, unit_name))
      ++next_unit;
    if (!count || next_unit == std::size(kUnits)) return false;
    const Unit& unit = kUnits[next_unit++];
    const bool fits = unit.part == kMonths ? add_units(to.months, *count, unit.factor)
                      : unit.part == kDays ? add_units(to.days, *count, unit.factor)
                                           : add_units(to.nanos, *count, unit.factor);
    if (!fits) return false;
  }
  return true;
}

// ISO 8601 after the P: "1Y2M3DT4H5M6S" or "3W".
bool parse_duration_iso(std::string_view text, CqlDuration& to) {
  std::string units;
  bool in_time = false;
  for (const char c : text) {
    if (digit(c)) {
      units += c;
    } else if (c == 'T' && !in_time) {
      in_time = true;
    } else if (std::string_view(in_time ? "HMS" : "YMWD").find(c) != std::string_view::npos) {
      units += c == 'M' && !in_time ? std::string("mo") : std::string(1, c);
    } else {
      return false;
    }
  }
  return parse_duration_units(units, to);
}

Result<void> append_duration(std::string_view text, Bytes& to) {
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative) rest.remove_prefix(1);
  CqlDuration duration;
  const bool parsed = rest.starts_with('P') ? parse_duration_iso(rest.substr(1), duration)
                                            : parse_duration_units(rest, duration);
  if (!parsed) return not_a(Kind::Duration, text);
  if (negative) duration = {-duration.months, -duration.days, -duration.nanos};
  CqlType<Kind::Duration>::encode(duration, to);
  return {};
}

Result<void> append_date(std::string_view text, Bytes& to) {
  if (const auto raw = integer<std::uint32_t>(text)) {
    append_be(to, *raw);
    return {};
  }
  const auto day = parse_day(text);
  if (!day) return not_a(Kind::Date, text);
  const std::int64_t raw = *day + (std::int64_t{1} << 31);
  if (raw < 0 || raw > std::numeric_limits<std::uint32_t>::max()) return not_a(Kind::Date, text);
  append_be(to, static_cast<std::uint32_t>(raw));
  return {};
}

Result<void> append_time(std::string_view text, Bytes& to) {
  const auto nanos = is_integer(text) ? integer<std::int64_t>(text) : parse_time_of_day(text);
  if (!nanos || *nanos < 0 || *nanos >= kNanosADay) return not_a(Kind::Time, text);
  append_be(to, *nanos);
  return {};
}

Result<void> append_timestamp(std::string_view text, Bytes& to) {
  if (is_integer(text)) return append_integer_of<Kind::Timestamp, std::int64_t>(text, to);
  append_be(to, TRY(parse_timestamp(text)));
  return {};
}

Result<void> append_uuid(Kind kind, std::string_view text, Bytes& to) {
  const auto uuid = Uuid::parse(text);
  if (!uuid) return not_a(kind, text);
  if (kind == Kind::Timeuuid && uuid->bytes[6] >> 4 != 1)
    return fail(Code::InvalidArgument, "{} is not a version 1 UUID", text);
  to.append(uuid->view());
  return {};
}

// Kinds whose literals stand in quotes, and those that may.
bool quoted_kind(Kind kind) {
  return kind == Kind::Text || kind == Kind::Ascii || kind == Kind::Inet;
}
bool maybe_quoted_kind(Kind kind) {
  return kind == Kind::Timestamp || kind == Kind::Date || kind == Kind::Time;
}

// Reads one literal with what is nested in it.
class LiteralParser {
 public:
  explicit LiteralParser(std::string_view text) : text_(text) {}

  Result<void> whole(const TypeRef& type, Bytes& to) {
    skip_space();
    if (type.scalar() && !starts_quote()) {
      std::string_view bare = text_.substr(at_);
      while (!bare.empty() && space(bare.back())) bare.remove_suffix(1);
      return bare_scalar(type.kind(), bare, to);
    }
    TRY(value(type, to, 0));
    skip_space();
    if (at_ != text_.size()) return bad("unexpected text after it");
    return {};
  }

 private:
  Result<void> value(const TypeRef& type, Bytes& to, int depth) {
    if (depth > kDepthMax) return bad("nested too deeply");
    skip_space();
    switch (type.kind()) {
      case Kind::List:
        return elements(type, '[', ']', to, depth);
      case Kind::Set:
      case Kind::Map:
        return elements(type, '{', '}', to, depth);
      case Kind::Tuple:
        return elements(type, '(', ')', to, depth);
      case Kind::Udt:
        return fields(type, to, depth);
      case Kind::Custom:
        return bare_scalar(Kind::Blob, take_bare(), to);
      default:
        return scalar(type.kind(), to);
    }
  }

  Result<void> scalar(Kind kind, Bytes& to) {
    if (!starts_quote()) return bare_scalar(kind, take_bare(), to);
    const std::string text = TRY(take_quoted());
    if (!quoted_kind(kind) && !maybe_quoted_kind(kind))
      return fail(Code::InvalidArgument, "a text ('{}') is no {}", text, name(kind));
    return parse_text(kind, text, to);
  }

  Result<void> bare_scalar(Kind kind, std::string_view text, Bytes& to) {
    if (text.empty()) return bad("a value is missing");
    if (same_word(text, "null"))
      return fail(Code::InvalidArgument, "null is not a value of type {}", name(kind));
    if (quoted_kind(kind) || (maybe_quoted_kind(kind) && !is_integer(text))) {
      return fail(Code::InvalidArgument, "a {} is written in single quotes: {}", name(kind), text);
    }
    return parse_text(kind, text, to);
  }

  Result<void> elements(const TypeRef& type, char open, char close, Bytes& to, int depth) {
    if (!take(open)) return bad("an opening bracket is missing");
    std::vector<Bytes>
        parts;  // list, set, tuple: elements; map: key and value joined, each with its length
    std::size_t index = 0;
    for (bool first = true; !take(close); first = false, ++index) {
      if (!first && !take(',')) return bad("a comma or the closing bracket is missing");
      if (type.kind() == Kind::Tuple && index >= type.children().size())
        return bad("too many elements");
      Bytes part;
      if (type.kind() == Kind::Tuple) {
        TRY(nullable(type.children()[index], part, depth));
      } else {
        TRY(sized(type.children()[0], part, depth));
      }
      if (type.kind() == Kind::Map) {
        if (!take(':')) return bad("a colon is missing in a map");
        TRY(sized(type.children()[1], part, depth));
      }
      parts.push_back(std::move(part));
    }
    if (type.kind() == Kind::Tuple && parts.empty()) return bad("a tuple has at least one element");
    if (type.kind() == Kind::Set || type.kind() == Kind::Map) sort_unique(type, parts);
    if (type.collection()) append_be(to, static_cast<std::int32_t>(parts.size()));
    for (const Bytes& part : parts) to += part;
    return {};
  }

  // {field: value, ...}; fields left out are null.
  Result<void> fields(const TypeRef& type, Bytes& to, int depth) {
    const std::vector<std::string>& names = type.field_names();
    std::vector<Bytes> parts(names.size(), Bytes("\xff\xff\xff\xff", 4));
    if (!take('{')) return bad("an opening bracket is missing");
    for (bool first = true; !take('}'); first = false) {
      if (!first && !take(',')) return bad("a comma or the closing bracket is missing");
      skip_space();
      const std::string_view field = take_bare();
      const auto at = std::ranges::find(names, field) - names.begin();
      if (static_cast<std::size_t>(at) == names.size())
        return fail(Code::InvalidArgument, "Unknown field '{}' in value of user defined type {}",
                    field, type.udt_name());
      if (!take(':')) return bad("a colon is missing");
      parts[static_cast<std::size_t>(at)].clear();
      TRY(nullable(type.children()[static_cast<std::size_t>(at)],
                   parts[static_cast<std::size_t>(at)], depth));
    }
    for (const Bytes& part : parts) to += part;
    return {};
  }

  // A value after its length.
  Result<void> sized(const TypeRef& type, Bytes& to, int depth) {
    const std::size_t begin = to.size();
    to.append(4, '\0');
    TRY(value(type, to, depth + 1));
    store_be(to.data() + begin, static_cast<std::int32_t>(to.size() - begin - 4));
    return {};
  }

  // A field of a tuple or a user type; it alone may be null.
  Result<void> nullable(const TypeRef& type, Bytes& to, int depth) {
    skip_space();
    const std::size_t begin = at_;
    if (same_word(take_bare(), "null")) {
      append_be(to, std::int32_t{-1});
      return {};
    }
    at_ = begin;
    return sized(type, to, depth);
  }

  static void sort_unique(const TypeRef& type, std::vector<Bytes>& parts);

  static bool space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
  void skip_space() {
    while (at_ < text_.size() && space(text_[at_])) ++at_;
  }
  bool take(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string_view take_bare() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && !space(text_[at_]) &&
           std::string_view(",:[]{}()'").find(text_[at_]) == std::string_view::npos)
      ++at_;
    return text_.substr(begin, at_ - begin);
  }
  bool starts_quote() const {
    return text_.substr(at_).starts_with('\'') || text_.substr(at_).starts_with("$$");
  }
  Result<std::string> take_quoted() {
    if (text_[at_] == '$') {
      const std::size_t end = text_.find("$$", at_ + 2);
      if (end == std::string_view::npos) return bad("the closing $$ is missing");
      std::string text(text_.substr(at_ + 2, end - at_ - 2));
      at_ = end + 2;
      return text;
    }
    std::string text;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\'') {
        if (!text_.substr(at_ + 1).starts_with('\'')) {
          ++at_;
          return text;
        }
        ++at_;
      }
      text += text_[at_];
    }
    return bad("the closing quote is missing");
  }
  Failure bad(std::string_view why) const {
    return fail(Code::InvalidArgument, "bad literal at column {}: {}", at_ + 1, why);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// The element of a set, or the key of a map's part, without its length.
BytesView sort_key(const Bytes& part) {
  return BytesView(part).substr(4, load_be<std::uint32_t>(part.data()));
}

// Sets and maps go out in element order. Of equal map keys the last one wins, as in Cassandra.
void LiteralParser::sort_unique(const TypeRef& type, std::vector<Bytes>& parts) {
  const TypeRef& key = type.children()[0];
  std::ranges::stable_sort(parts, [&](const Bytes& a, const Bytes& b) {
    return compare_values(key, sort_key(a), sort_key(b)) < 0;
  });
  std::vector<Bytes> kept;
  for (Bytes& part : parts) {
    if (!kept.empty() && compare_values(key, sort_key(kept.back()), sort_key(part)) == 0)
      kept.pop_back();
    kept.push_back(std::move(part));
  }
  parts = std::move(kept);
}

}  // namespace

Result<void> parse_text(Kind kind, std::string_view text, Bytes& to) {
  switch (kind) {
    case Kind::Ascii:
    case Kind::Text:
      TRY(validate(kind, text));
      to.append(text);
      return {};
    case Kind::Bigint:
      return append_integer_of<Kind::Bigint, std::int64_t>(text, to);
    case Kind::Counter:
      return append_integer_of<Kind::Counter, std::int64_t>(text, to);
    case Kind::Int:
      return append_integer_of<Kind::Int, std::int32_t>(text, to);
    case Kind::Smallint:
      return append_integer_of<Kind::Smallint, std::int16_t>(text, to);
    case Kind::Tinyint:
      return append_integer_of<Kind::Tinyint, std::int8_t>(text, to);
    case Kind::Float:
      return append_floating<Kind::Float, float>(text, to);
    case Kind::Double:
      return append_floating<Kind::Double, double>(text, to);
    case Kind::Boolean:
      if (!same_word(text, "true") && !same_word(text, "false")) return not_a(kind, text);
      to.push_back(same_word(text, "true") ? '\1' : '\0');
      return {};
    case Kind::Varint:
      return append_varint(text, to);
    case Kind::Decimal:
      return append_decimal(text, to);
    case Kind::Blob:
      return append_blob(text, to);
    case Kind::Inet:
      return append_inet(text, to);
    case Kind::Duration:
      return append_duration(text, to);
    case Kind::Date:
      return append_date(text, to);
    case Kind::Time:
      return append_time(text, to);
    case Kind::Timestamp:
      return append_timestamp(text, to);
    case Kind::Uuid:
    case Kind::Timeuuid:
      return append_uuid(kind, text, to);
    default:
      return fail(Code::Unsupported, "a {} cannot be written as plain text", name(kind));
  }
}

Result<void> parse_literal(const TypeRef& type, std::string_view literal, Bytes& to) {
  const std::size_t begin = to.size();
  Result<void> parsed = LiteralParser(literal).whole(type, to);
  if (!parsed) to.resize(begin);
  return parsed;
}

}  // namespace penstock::cql
