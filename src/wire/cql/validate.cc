// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "base/check.h"
#include "wire/cql/big_integer.h"
#include "wire/cql/calendar.h"
#include "wire/cql/collection.h"
#include "wire/cql/scalar_types.h"
#include "wire/cql/values.h"

namespace penstock::cql {
namespace {

bool ascii_only(BytesView text) {
  while (text.size() >= 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data(), 8);
    if ((word & 0x8080808080808080) != 0) return false;
    text.remove_prefix(8);
  }
  for (const char c : text) {
    if (static_cast<signed char>(c) < 0) return false;
  }
  return true;
}

// How many bytes the UTF-8 sequence at the front of `text` has; 0 if there is none (RFC 3629: no
// overlong forms, no surrogates).
std::size_t utf8_sequence(BytesView text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<std::uint8_t>(text[i]) : 0;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const int first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (first == 0xE0 && byte(1) < 0xA0) return 0;
    if (first == 0xED && byte(1) > 0x9F) return 0;
    return follows(1) && follows(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (first == 0xF0 && byte(1) < 0x90) return 0;
    if (first == 0xF4 && byte(1) > 0x8F) return 0;
    return follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

bool valid_utf8(BytesView text) {
  while (!ascii_only(text)) {
    // A short step past the next sequence that is not ASCII, then the fast test again.
    for (int i = 0; i < 16 && !text.empty(); ++i) {
      const std::size_t size = utf8_sequence(text);
      if (size == 0) return false;
      text.remove_prefix(size);
    }
  }
  return true;
}

Result<void> validate_width(std::size_t wanted, BytesView value) {
  if (value.size() == wanted) return {};
  return fail(Code::InvalidArgument, "Expected {} or 0 byte {} ({})", wanted,
              wanted == 1 ? "value" : "long", value.size());
}

Result<void> validate_scalar(Kind kind, BytesView value) {
  if (const auto width = fixed_bytes(kind)) {
    TRY(validate_width(*width, value));
  }
  switch (kind) {
    case Kind::Ascii:
      if (!ascii_only(value)) return fail(Code::InvalidArgument, "Invalid byte for ascii text");
      break;
    case Kind::Text:
      if (!valid_utf8(value)) return fail(Code::InvalidArgument, "String didn't validate.");
      break;
    case Kind::Inet:
      if (value.size() != 4 && value.size() != 16)
        return fail(Code::InvalidArgument, "Expected 4 or 16 byte inetaddress; got {}",
                    value.size());
      break;
    case Kind::Time:
      if (const auto nanos = load_be<std::int64_t>(value.data());
          nanos < 0 || nanos >= kNanosADay) {
        return fail(Code::InvalidArgument, "a time of {} nanoseconds is not within a day", nanos);
      }
      break;
    case Kind::Timeuuid:
      if ((value[6] & 0xF0) != 0x10)
        return fail(Code::InvalidArgument, "Invalid version for TimeUUID type.");
      break;
    case Kind::Duration:
      TRY(decode<Kind::Duration>(value));
      break;
    case Kind::Decimal:
      TRY(decode<Kind::Decimal>(value));
      [[fallthrough]];
    case Kind::Varint:
      if (value.size() > kIntegerBytesMax)
        return fail(Code::TooLarge, "a number of {} bytes is over the limit of {}", value.size(),
                    kIntegerBytesMax);
      break;
    default:
      break;
  }
  return {};
}

}  // namespace

Result<void> validate(const TypeRef& type, BytesView value) {
  if (value.empty() || type.kind() == Kind::Blob || type.kind() == Kind::Custom) return {};
  if (type.scalar()) return validate_scalar(type.kind(), value);
  Result<void> inner;
  const bool whole = each_element(type, value, [&](const TypeRef& child, const CellValue& element) {
    if (element.is_null()) return true;
    inner = validate(child, element.view());
    return inner.has_value();
  });
  if (!inner) return inner;
  if (!whole) return fail(Code::InvalidArgument, "not a well-formed value of {}", type.text());
  return {};
}

}  // namespace penstock::cql
