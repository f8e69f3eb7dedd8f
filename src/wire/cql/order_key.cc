// SPDX-License-Identifier: Apache-2.0
#include "wire/cql/order_key.h"

#include <algorithm>

#include "base/check.h"
#include "wire/cql/big_integer.h"
#include "wire/cql/collection.h"
#include "wire/cql/scalar_types.h"
#include "wire/cql/values.h"

namespace penstock::cql {
namespace {

// First byte of the key of any value but texts and blobs: empty sorts first.
constexpr char kEmpty = 0x00;
constexpr char kPresent = 0x01;

// Where numbers of several bytes go: the sign bit flipped, so that negative ones sort first as
// unsigned bytes.
template <class T>
void append_signed(T value, Bytes& to) {
  using Unsigned = std::make_unsigned_t<T>;
  append_be(to, static_cast<Unsigned>(static_cast<Unsigned>(value) ^
                                      static_cast<Unsigned>(std::numeric_limits<T>::min())));
}

// IEEE order as Java's compare has it: negative zero before zero, NaN (one of it) after infinity.
template <class Float, class Bits>
Bits float_to_key(BytesView value) {
  auto bits = load_be<Bits>(value.data());
  const auto number = std::bit_cast<Float>(bits);
  if (number != number) bits = std::bit_cast<Bits>(std::numeric_limits<Float>::quiet_NaN());
  constexpr Bits kSign = Bits{1} << (8 * sizeof(Bits) - 1);
  return (bits & kSign) != 0 ? static_cast<Bits>(~bits) : static_cast<Bits>(bits | kSign);
}
template <class Bits>
Bits key_to_float(Bits key) {
  constexpr Bits kSign = Bits{1} << (8 * sizeof(Bits) - 1);
  return (key & kSign) != 0 ? static_cast<Bits>(key & ~kSign) : static_cast<Bits>(~key);
}

// Version 1 UUIDs hold their time as low, middle, high with version; in the key it stands high
// first.
std::uint64_t time_first(std::uint64_t msb) {
  return msb << 48 | (msb >> 16 & 0xFFFF) << 32 | msb >> 32;
}
std::uint64_t time_back(std::uint64_t key) {
  return key << 32 | (key >> 32 & 0xFFFF) << 16 | key >> 48;
}
constexpr std::uint64_t kSignOfEachByte = 0x8080808080808080;

void append_uuid(BytesView value, Bytes& to) {
  const auto msb = load_be<std::uint64_t>(value.data());
  const auto version = static_cast<std::uint8_t>(msb >> 12 & 0xF);
  to.push_back(static_cast<char>(0x10 | version));
  append_be(to, version == 1 ? time_first(msb) : msb);
  to.append(value.substr(8));
}

void append_timeuuid(BytesView value, Bytes& to) {
  to.push_back(kPresent);
  append_be(to, time_first(load_be<std::uint64_t>(value.data())));
  append_be(to, load_be<std::uint64_t>(value.data() + 8) ^ kSignOfEachByte);  // CASSANDRA-8730
}

// Length and sign in one byte for up to 100 bytes, else a byte and four of length; then the two's
// complement bytes themselves, which sort rightly among those of one sign and length.
constexpr std::size_t kShortInteger = 100;
void append_varint(BytesView value, Bytes& to) {
  value = shortest_integer(value);
  const bool negative = static_cast<signed char>(value[0]) < 0;
  if (value.size() <= kShortInteger) {
    to.push_back(static_cast<char>(negative ? 0x7F - value.size() : 0x80 + value.size()));
  } else {
    const auto size = static_cast<std::uint32_t>(value.size());
    to.push_back(negative ? '\x01' : '\xFF');
    append_be(to, negative ? ~size : size);
  }
  to.append(value);
}

// 0.d1d2d3... * 10^exponent with d1 not 0: sign, exponent, digits in pairs (1 to 100), end. A
// negative number's bytes are inverted after the sign.
enum DecimalSign : char { kNegative = 1, kZero = 2, kPositive = 3 };
void append_decimal(BytesView value, Bytes& to) {
  const DecimalView decimal = *decode<Kind::Decimal>(value);
  std::string digits = integer_digits(decimal.unscaled);
  const bool negative = digits[0] == '-';
  if (negative) digits.erase(0, 1);
  if (digits == "0") {
    to.push_back(kZero);
    return;
  }
  const std::int64_t exponent = static_cast<std::int64_t>(digits.size()) - decimal.scale;
  digits.erase(digits.find_last_not_of('0') + 1);
  to.push_back(negative ? kNegative : kPositive);
  const std::size_t begin = to.size();
  append_signed(exponent, to);
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const int pair = (digits[i] - '0') * 10 + (i + 1 < digits.size() ? digits[i + 1] - '0' : 0);
    to.push_back(static_cast<char>(pair + 1));
  }
  to.push_back('\0');
  if (negative)
    std::for_each(to.begin() + static_cast<std::ptrdiff_t>(begin), to.end(),
                  [](char& c) { c = static_cast<char>(~c); });
}

void append_ascending(const TypeRef& type, BytesView value, Bytes& to);

void append_scalar(Kind kind, BytesView value, Bytes& to) {
  switch (kind) {
    case Kind::Uuid:
      return append_uuid(value, to);
    case Kind::Timeuuid:
      return append_timeuuid(value, to);
    case Kind::Varint:
      return append_varint(value, to);
    case Kind::Decimal:
      return append_decimal(value, to);
    default:
      break;
  }
  to.push_back(kPresent);
  switch (kind) {
    case Kind::Bigint:
    case Kind::Time:
    case Kind::Timestamp:
      return append_signed(load_be<std::int64_t>(value.data()), to);
    case Kind::Int:
      return append_signed(load_be<std::int32_t>(value.data()), to);
    case Kind::Smallint:
      return append_signed(load_be<std::int16_t>(value.data()), to);
    case Kind::Tinyint:
      return to.push_back(static_cast<char>(value[0] ^ '\x80'));
    case Kind::Boolean:
      return to.push_back(value[0] != 0 ? '\1' : '\0');
    case Kind::Date:
      to.append(value);
      return;
    case Kind::Float:
      return append_be(to, float_to_key<float, std::uint32_t>(value));
    case Kind::Double:
      return append_be(to, float_to_key<double, std::uint64_t>(value));
    default:
      CHECK(false, "a type without an order has no key");
  }
}

bool bytes_kind(Kind kind) {
  return kind == Kind::Text || kind == Kind::Ascii || kind == Kind::Blob || kind == Kind::Inet;
}

void append_ascending(const TypeRef& type, BytesView value, Bytes& to) {
  if (bytes_kind(type.kind())) return append_bytes_key(value, to);
  if (value.empty()) return to.push_back(kEmpty);
  if (type.scalar()) return append_scalar(type.kind(), value, to);
  to.push_back(kPresent);
  std::size_t given = 0;
  each_element(type, value, [&](const TypeRef& child, const CellValue& element) {
    ++given;
    to.push_back(element.is_null() ? kEmpty : kPresent);
    if (!element.is_null()) append_ascending(child, element.view(), to);
    return true;
  });
  if (type.collection()) {
    to.push_back(kEmpty);  // a shorter one sorts first
  } else {
    to.append(type.children().size() - given, kEmpty);  // what is left out at the end is null
  }
}

// Reads a key back, inverting as it goes. Fails for good like Reader.
class KeyReader {
 public:
  KeyReader(BytesView key, bool descending) : key_(key), mask_(descending ? 0xFF : 0) {}

  bool ok() const { return ok_; }
  BytesView rest() const { return key_; }
  void fail_now() {
    ok_ = false;
    key_ = {};
  }
  std::uint8_t u8() {
    if (key_.empty()) {
      fail_now();
      return 0;
    }
    const auto byte = static_cast<std::uint8_t>(static_cast<std::uint8_t>(key_[0]) ^ mask_);
    key_.remove_prefix(1);
    return byte;
  }
  template <class T>
  T be() {
    if (key_.size() < sizeof(T)) {
      fail_now();
      return 0;
    }
    const auto value = load_be<std::make_unsigned_t<T>>(key_.data());
    key_.remove_prefix(sizeof(T));
    return static_cast<T>(mask_ == 0 ? value : static_cast<std::make_unsigned_t<T>>(~value));
  }
  void bytes(std::size_t size, Bytes& to) {
    if (key_.size() < size) return fail_now();
    const std::size_t begin = to.size();
    to.append(key_.substr(0, size));
    key_.remove_prefix(size);
    if (mask_ != 0) invert(to, begin);
  }
  // The escaped bytes of append_bytes_key.
  void escaped(Bytes& to) {
    const std::size_t begin = to.size();
    const char zero = static_cast<char>(mask_);
    for (;;) {
      const std::size_t at = key_.find(zero);
      if (at == BytesView::npos || at + 1 >= key_.size()) return fail_now();
      const auto next = static_cast<std::uint8_t>(static_cast<std::uint8_t>(key_[at + 1]) ^ mask_);
      to.append(key_.substr(0, at));
      key_.remove_prefix(at + 2);
      if (next == 0x00) break;
      if (next != 0xFF) return fail_now();
      to.push_back(zero);
    }
    if (mask_ != 0) invert(to, begin);
  }

 private:
  static void invert(Bytes& bytes, std::size_t begin) {
    for (std::size_t i = begin; i < bytes.size(); ++i) bytes[i] = static_cast<char>(~bytes[i]);
  }
  BytesView key_;
  std::uint8_t mask_;
  bool ok_ = true;
};

template <class T>
void take_signed(KeyReader& from, Bytes& to) {
  using Unsigned = std::make_unsigned_t<T>;
  append_be(to, static_cast<Unsigned>(from.be<Unsigned>() ^
                                      static_cast<Unsigned>(std::numeric_limits<T>::min())));
}

void take_varint(std::uint8_t head, KeyReader& from, Bytes& to) {
  std::size_t size;
  if (head == 0x01) {
    size = ~from.be<std::uint32_t>();
  } else if (head == 0xFF) {
    size = from.be<std::uint32_t>();
  } else {
    size = head >= 0x80 ? head - 0x80U : 0x7FU - head;
  }
  if (size == 0 || size > kIntegerBytesMax) return from.fail_now();
  from.bytes(size, to);
}

void take_decimal(std::uint8_t sign, KeyReader& from, Bytes& to) {
  if (sign == kZero) {
    to.append("\0\0\0\0\0", 5);
    return;
  }
  if (sign != kNegative && sign != kPositive) return from.fail_now();
  const std::uint8_t mask = sign == kNegative ? 0xFF : 0;
  const auto raw = from.be<std::uint64_t>() ^ (mask != 0 ? ~std::uint64_t{0} : 0);
  const auto exponent = static_cast<std::int64_t>(raw ^ std::uint64_t{1} << 63);
  std::string digits;
  for (std::uint8_t pair = from.u8() ^ mask; pair != 0 && from.ok(); pair = from.u8() ^ mask) {
    if (pair > 100 || digits.size() >= kIntegerDigitsMax) return from.fail_now();
    digits += static_cast<char>('0' + (pair - 1) / 10);
    digits += static_cast<char>('0' + (pair - 1) % 10);
  }
  digits.erase(digits.find_last_not_of('0') + 1);
  if (!from.ok() || digits.empty() || std::abs(exponent) > std::int64_t{1} << 40)
    return from.fail_now();
  std::int64_t scale = static_cast<std::int64_t>(digits.size()) - exponent;
  // Trailing zeros were dropped; some come back where the scale would not fit without them.
  for (; scale < std::numeric_limits<std::int32_t>::min() && digits.size() < kIntegerDigitsMax;
       ++scale)
    digits += '0';
  if (scale != static_cast<std::int32_t>(scale)) return from.fail_now();
  append_be(to, static_cast<std::int32_t>(scale));
  append_integer(sign == kNegative, digits, to);
}

void take_any(const TypeRef& type, KeyReader& from, Bytes& to);

void take_scalar(Kind kind, std::uint8_t head, KeyReader& from, Bytes& to) {
  if (kind == Kind::Varint) return take_varint(head, from, to);
  if (kind == Kind::Decimal) return take_decimal(head, from, to);
  if (kind == Kind::Uuid) {
    const auto first = from.be<std::uint64_t>();
    append_be(to, head == 0x11 ? time_back(first) : first);
    return from.bytes(8, to);
  }
  if (head != kPresent) return from.fail_now();
  switch (kind) {
    case Kind::Timeuuid:
      append_be(to, time_back(from.be<std::uint64_t>()));
      return append_be(to, from.be<std::uint64_t>() ^ kSignOfEachByte);
    case Kind::Bigint:
    case Kind::Time:
    case Kind::Timestamp:
      return take_signed<std::int64_t>(from, to);
    case Kind::Int:
      return take_signed<std::int32_t>(from, to);
    case Kind::Smallint:
      return take_signed<std::int16_t>(from, to);
    case Kind::Tinyint:
      return to.push_back(static_cast<char>(from.u8() ^ 0x80));
    case Kind::Boolean:
      return to.push_back(static_cast<char>(from.u8()));
    case Kind::Date:
      return from.bytes(4, to);
    case Kind::Float:
      return append_be(to, key_to_float(from.be<std::uint32_t>()));
    case Kind::Double:
      return append_be(to, key_to_float(from.be<std::uint64_t>()));
    default:
      return from.fail_now();
  }
}

// One element after its length, or null.
void take_element(const TypeRef& type, std::uint8_t head, KeyReader& from, Bytes& to) {
  const std::size_t begin = to.size();
  append_be(to, std::int32_t{-1});
  if (head == kEmpty) return;
  take_any(type, from, to);
  store_be(to.data() + begin, static_cast<std::int32_t>(to.size() - begin - 4));
}

void take_any(const TypeRef& type, KeyReader& from, Bytes& to) {
  if (bytes_kind(type.kind())) return from.escaped(to);
  const std::uint8_t head = from.u8();
  if (head == kEmpty) return;
  if (type.scalar()) return take_scalar(type.kind(), head, from, to);
  if (head != kPresent) return from.fail_now();
  if (!type.collection()) {
    for (const TypeRef& child : type.children()) take_element(child, from.u8(), from, to);
    return;
  }
  const std::size_t begin = to.size();
  append_be(to, std::int32_t{0});
  std::int32_t count = 0;
  for (std::uint8_t next = from.u8(); next != kEmpty && from.ok(); next = from.u8(), ++count) {
    take_element(type.children()[0], next, from, to);
    if (type.kind() == Kind::Map) take_element(type.children()[1], from.u8(), from, to);
  }
  store_be(to.data() + begin, count);
}

}  // namespace

bool orderable(const TypeRef& type) {
  switch (type.kind()) {
    case Kind::Duration:
    case Kind::Counter:
    case Kind::Custom:
      return false;
    default:
      return std::ranges::all_of(type.children(),
                                 [](const TypeRef& child) { return orderable(child); });
  }
}

Result<void> append_order_key(const TypeRef& type, BytesView value, bool descending, Bytes& to) {
  TRY(validate(type, value));
  const std::size_t begin = to.size();
  append_ascending(type, value, to);
  if (descending) {
    for (std::size_t i = begin; i < to.size(); ++i) to[i] = static_cast<char>(~to[i]);
  }
  return {};
}

Result<void> take_order_key(const TypeRef& type, bool descending, BytesView& key, Bytes& value) {
  KeyReader from(key, descending);
  const std::size_t begin = value.size();
  take_any(type, from, value);
  if (!from.ok()) {
    value.resize(begin);
    return fail(Code::Corrupt, "not a key of type {}: {}", type.text(), hex(key));
  }
  key = from.rest();
  return {};
}

Result<void> skip_order_key(const TypeRef& type, bool descending, BytesView& key) {
  if (const auto width = fixed_bytes(type.kind()); width && !key.empty()) {
    const bool empty = static_cast<std::uint8_t>(key[0]) == (descending ? 0xFF : 0x00);
    const std::size_t size = empty ? 1 : 1 + *width;
    if (key.size() >= size) {
      key.remove_prefix(size);
      return {};
    }
  }
  Bytes ignored;
  return take_order_key(type, descending, key, ignored);
}

// A zero byte becomes 00 FF, the end is 00 00: order and prefixes come out right.
void append_bytes_key(BytesView bytes, Bytes& to) {
  for (;;) {
    const std::size_t zero = bytes.find('\0');
    to.append(bytes.substr(0, zero));
    if (zero == BytesView::npos) break;
    to.append("\0\xff", 2);
    bytes.remove_prefix(zero + 1);
  }
  to.append("\0\0", 2);
}

Result<void> take_bytes_key(BytesView& key, Bytes& bytes) {
  KeyReader from(key, false);
  const std::size_t begin = bytes.size();
  from.escaped(bytes);
  if (!from.ok()) {
    bytes.resize(begin);
    return fail(Code::Corrupt, "a key has no end: {}", hex(key));
  }
  key = from.rest();
  return {};
}

std::strong_ordering compare_values(const TypeRef& type, BytesView a, BytesView b) {
  if (bytes_kind(type.kind()) || !orderable(type)) return a.compare(b) <=> 0;
  Bytes key_a;
  Bytes key_b;
  if (!append_order_key(type, a, false, key_a) || !append_order_key(type, b, false, key_b))
    return a.compare(b) <=> 0;
  return key_a.compare(key_b) <=> 0;
}

}  // namespace penstock::cql
