// SPDX-License-Identifier: Apache-2.0
#include "wire/cql/order_key.h"

#include <gtest/gtest.h>

#include <cmath>

#include "wire/cql/test_values.h"
#include "wire/cql/values.h"

namespace penstock::cql {
namespace {

Bytes key(const TypeRef& type, BytesView value, bool descending = false) {
  Bytes bytes;
  const auto done = append_order_key(type, value, descending, bytes);
  EXPECT_TRUE(done) << type.text() << " " << hex(value) << ": " << done.error().message;
  return bytes;
}

template <class T>
int order(T a, T b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

// As Java's Double.compare.
int order_floats(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return order<int>(std::isnan(a), std::isnan(b));
  if (a == b) return order<int>(!std::signbit(a), !std::signbit(b));
  return order(a, b);
}

int order_uuids(BytesView a, BytesView b) {
  const auto time = [](BytesView u) {
    return static_cast<std::uint64_t>(load_be<std::uint16_t>(u.data() + 6) & 0x0FFF) << 48 |
           static_cast<std::uint64_t>(load_be<std::uint16_t>(u.data() + 4)) << 32 |
           load_be<std::uint32_t>(u.data());
  };
  if (const int by_version = order(a[6] >> 4 & 15, b[6] >> 4 & 15); by_version != 0)
    return by_version;
  if ((a[6] >> 4 & 15) == 1) {
    if (const int by_time = order(time(a), time(b)); by_time != 0) return by_time;
  } else if (const int by_msb = order(a.substr(0, 8), b.substr(0, 8)); by_msb != 0) {
    return by_msb;
  }
  return order(a.substr(8), b.substr(8));
}

int order_timeuuids(BytesView a, BytesView b) {
  for (const int at : {6, 7, 4, 5, 0, 1, 2, 3}) {
    if (a[at] != b[at])
      return order(static_cast<std::uint8_t>(a[at]), static_cast<std::uint8_t>(b[at]));
  }
  for (std::size_t at = 8; at < 16; ++at) {
    if (a[at] != b[at])
      return order(static_cast<signed char>(a[at]), static_cast<signed char>(b[at]));
  }
  return 0;
}

// Value of a short varint or decimal as a floating number wide enough for the test's values.
long double integer_value(BytesView bytes) {
  long double value = static_cast<signed char>(bytes[0]) < 0 ? -1 : 0;
  for (const char byte : bytes) value = value * 256 + static_cast<std::uint8_t>(byte);
  return value;
}
long double decimal_value(BytesView bytes) {
  const DecimalView decimal = *decode<Kind::Decimal>(bytes);
  // Scaled by 10^4 to stay whole, so that equality is exact.
  return integer_value(decimal.unscaled) *
         std::pow(10.0L, static_cast<long double>(4 - decimal.scale));
}

int order_values(Kind kind, BytesView a, BytesView b) {
  switch (kind) {
    case Kind::Float:
      return order_floats(*decode<Kind::Float>(a), *decode<Kind::Float>(b));
    case Kind::Double:
      return order_floats(*decode<Kind::Double>(a), *decode<Kind::Double>(b));
    case Kind::Bigint:
    case Kind::Timestamp:
    case Kind::Time:
      return order(*decode<Kind::Bigint>(a), *decode<Kind::Bigint>(b));
    case Kind::Int:
      return order(*decode<Kind::Int>(a), *decode<Kind::Int>(b));
    case Kind::Smallint:
      return order(*decode<Kind::Smallint>(a), *decode<Kind::Smallint>(b));
    case Kind::Tinyint:
      return order(*decode<Kind::Tinyint>(a), *decode<Kind::Tinyint>(b));
    case Kind::Uuid:
      return order_uuids(a, b);
    case Kind::Timeuuid:
      return order_timeuuids(a, b);
    case Kind::Varint:
      return order(integer_value(a), integer_value(b));
    case Kind::Decimal:
      return order(decimal_value(a), decimal_value(b));
    default:
      return order(a, b);  // unsigned bytes: std::char_traits<char> compares so
  }
}

TEST(OrderKey, KeysCompareAsValuesDoForEveryScalar) {
  ValueSource source(2);
  for (const Kind kind : scalar_kinds()) {
    if (!orderable(kind)) continue;
    for (int i = 0; i < 4000; ++i) {
      const Bytes a = source.scalar(kind);
      const Bytes b = source.number(4) == 0 ? a : source.scalar(kind);
      if (kind == Kind::Varint && std::max(a.size(), b.size()) > 7)
        continue;  // beyond the test's own numbers
      const int expected = order_values(kind, a, b);
      ASSERT_EQ(order(key(kind, a).compare(key(kind, b)), 0), expected)
          << name(kind) << " " << hex(a) << " | " << hex(b);
      ASSERT_EQ(order(key(kind, b, true).compare(key(kind, a, true)), 0), expected)
          << name(kind) << " descending";
    }
  }
}

TEST(OrderKey, ValuesComeBackAndKeysEndThemselves) {
  ValueSource source(3);
  for (const Kind kind : scalar_kinds()) {
    if (!orderable(kind)) continue;
    for (int i = 0; i < 1000; ++i) {
      const bool descending = source.number(2) == 0;
      const Bytes value = i == 0 ? Bytes() : source.scalar(kind);
      const Bytes whole = key(kind, value, descending) + "rest";
      BytesView left = whole;
      Bytes back;
      ASSERT_TRUE(take_order_key(kind, descending, left, back)) << name(kind) << " " << hex(whole);
      EXPECT_EQ(left, "rest");
      const bool spelled_shorter = kind == Kind::Varint || kind == Kind::Decimal ||
                                   kind == Kind::Float || kind == Kind::Double;
      if (!spelled_shorter) {
        EXPECT_EQ(hex(back), hex(value)) << name(kind);
      }
      EXPECT_EQ(key(kind, back, descending) + "rest", whole)
          << name(kind) << " " << hex(value) << " came back as " << hex(back);
      left = whole;
      ASSERT_TRUE(skip_order_key(kind, descending, left));
      EXPECT_EQ(left, "rest");
    }
  }
}

TEST(OrderKey, LongIntegersCompareByLengthAndSign) {
  std::vector<std::string> ascending;
  for (const int digits : {1000, 300, 100, 10})
    ascending.push_back("-1" + std::string(static_cast<std::size_t>(digits), '0'));
  for (const int digits : {0, 10, 100, 300, 1000})
    ascending.push_back("1" + std::string(static_cast<std::size_t>(digits), '0'));
  for (const Kind kind : {Kind::Varint, Kind::Decimal}) {
    Bytes last;
    for (const std::string& text : ascending) {
      Bytes value;
      ASSERT_TRUE(parse_literal(kind, text, value));
      const Bytes next = key(kind, value);
      EXPECT_LT(last, next) << text.substr(0, 12);
      last = next;
    }
  }
}

TEST(OrderKey, EmptySortsBeforeEverything) {
  ValueSource source(4);
  for (const Kind kind : scalar_kinds()) {
    if (!orderable(kind)) continue;
    for (int i = 0; i < 100; ++i) {
      const Bytes value = source.scalar(kind);
      if (!value.empty()) {
        EXPECT_LT(key(kind, ""), key(kind, value)) << name(kind);
      }
    }
  }
}

TEST(OrderKey, EqualDecimalsHaveOneKeyWhateverTheirScale) {
  Bytes a;
  Bytes b;
  ASSERT_TRUE(parse_literal(Kind::Decimal, "1.00", a));
  ASSERT_TRUE(parse_literal(Kind::Decimal, "1", b));
  EXPECT_EQ(key(Kind::Decimal, a), key(Kind::Decimal, b));
}

TEST(OrderKey, CollectionsElementByElementThenLength) {
  const TypeRef list = TypeRef::list(Kind::Int).frozen();
  const TypeRef tuple = TypeRef::tuple({Kind::Int, Kind::Text});
  const auto value = [](const TypeRef& type, std::string_view text) {
    Bytes bytes;
    EXPECT_TRUE(parse_literal(type, text, bytes));
    return bytes;
  };
  const char* ascending[] = {"[]", "[-1, 5]", "[1]", "[1, 0]", "[1, 1]", "[2]"};
  for (std::size_t i = 1; i < std::size(ascending); ++i) {
    EXPECT_LT(key(list, value(list, ascending[i - 1])), key(list, value(list, ascending[i])))
        << ascending[i];
  }
  EXPECT_LT(key(tuple, value(tuple, "(1)")), key(tuple, value(tuple, "(1, '')")));  // null first
  for (const char* text : ascending) {
    const Bytes bytes = value(list, text);
    const Bytes whole = key(list, bytes, true);
    BytesView left = whole;
    Bytes back;
    ASSERT_TRUE(take_order_key(list, true, left, back));
    EXPECT_EQ(back, bytes);
  }
}

TEST(OrderKey, RefusesWhatIsNoValueAndWhatIsNoKey) {
  Bytes to = "kept";
  EXPECT_FALSE(append_order_key(Kind::Int, "abc", false, to));
  EXPECT_EQ(to, "kept");
  EXPECT_FALSE(orderable(Kind::Duration));
  EXPECT_FALSE(orderable(TypeRef::list(Kind::Duration)));
  ValueSource source(5);
  for (const Kind kind : scalar_kinds()) {
    if (!orderable(kind)) continue;
    for (int i = 0; i < 200; ++i) {
      const Bytes whole = key(kind, source.scalar(kind));
      BytesView cut = BytesView(whole).substr(0, source.number(whole.size()));
      Bytes value = "kept";
      EXPECT_FALSE(take_order_key(kind, false, cut, value)) << name(kind) << " " << hex(cut);
      EXPECT_EQ(value, "kept");
    }
  }
}

TEST(OrderKey, BytesKeysKeepEveryByteInOrder) {
  ValueSource source(6);
  for (int i = 0; i < 2000; ++i) {
    const Bytes a = source.text();
    const Bytes b = source.text();
    Bytes key_a;
    Bytes key_b;
    append_bytes_key(a, key_a);
    append_bytes_key(b, key_b);
    EXPECT_EQ(order(key_a.compare(key_b), 0), order(a.compare(b), 0));
    BytesView left = key_a;
    Bytes back;
    ASSERT_TRUE(take_bytes_key(left, back));
    EXPECT_EQ(back, a);
    EXPECT_TRUE(left.empty());
  }
}

}  // namespace
}  // namespace penstock::cql
