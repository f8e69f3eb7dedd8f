// SPDX-License-Identifier: Apache-2.0
#include "wire/cql/values.h"

#include <gtest/gtest.h>

#include <chrono>

#include "wire/cql/calendar.h"
#include "wire/cql/scalar_types.h"
#include "wire/cql/test_values.h"

namespace penstock::cql {
namespace {

Bytes literal(const TypeRef& type, std::string_view text) {
  Bytes bytes;
  const auto parsed = parse_literal(type, text, bytes);
  EXPECT_TRUE(parsed) << type.text() << " " << text << ": " << parsed.error().message;
  return bytes;
}
std::string shown(const TypeRef& type, std::string_view text) {
  return format_value(type, literal(type, text));
}
std::string why_not(const TypeRef& type, std::string_view text) {
  Bytes bytes;
  const auto parsed = parse_literal(type, text, bytes);
  EXPECT_FALSE(parsed) << type.text() << " accepted " << text;
  EXPECT_TRUE(bytes.empty());
  return parsed ? "" : parsed.error().message;
}

TEST(Values, EveryScalarComesBackFromItsLiteral) {
  ValueSource source(1);
  for (const Kind kind : scalar_kinds()) {
    for (int i = 0; i < 300; ++i) {
      Bytes value = source.scalar(kind);
      if (kind == Kind::Varint || kind == Kind::Decimal)
        value = literal(kind, format_literal(kind, value));  // the shortest spelling
      ASSERT_TRUE(validate(kind, value)) << name(kind) << " " << hex(value);
      EXPECT_EQ(hex(literal(kind, format_literal(kind, value))), hex(value))
          << name(kind) << " " << format_literal(kind, value);
    }
  }
}

TEST(Values, CqlshsSpelling) {
  EXPECT_EQ(shown(Kind::Timestamp, "'2023-10-01T12:00:00Z'"), "2023-10-01 12:00:00.000000+0000");
  EXPECT_EQ(shown(Kind::Timestamp, "'2023-10-01 12:00:00.5+0230'"),
            "2023-10-01 09:30:00.500000+0000");
  EXPECT_EQ(shown(Kind::Timestamp, "-1"), "1969-12-31 23:59:59.999000+0000");
  EXPECT_EQ(shown(Kind::Date, "'2024-02-29'"), "2024-02-29");
  EXPECT_EQ(shown(Kind::Time, "'08:12:54.1234'"), "08:12:54.123400000");
  EXPECT_EQ(shown(Kind::Boolean, "TRUE"), "True");
  EXPECT_EQ(shown(Kind::Float, "3.14159265"), "3.14159");
  EXPECT_EQ(shown(Kind::Double, "1e100"), "1e+100");
  EXPECT_EQ(shown(Kind::Double, "12345.678901234567"), "12345.678901234567");
  EXPECT_EQ(shown(Kind::Double, "NaN"), "NaN");
  EXPECT_EQ(shown(Kind::Double, "-Infinity"), "-Infinity");
  EXPECT_EQ(shown(Kind::Blob, "0xCAFE"), "0xcafe");
  EXPECT_EQ(shown(Kind::Inet, "'10.0.0.1'"), "10.0.0.1");
  EXPECT_EQ(shown(Kind::Inet, "'::1'"), "::1");
  EXPECT_EQ(shown(Kind::Decimal, "-0.0120"), "-0.0120");
  EXPECT_EQ(shown(Kind::Decimal, "1.5e3"), "1.5E+3");
  EXPECT_EQ(shown(Kind::Varint, "-123456789012345678901234567890"),
            "-123456789012345678901234567890");
  EXPECT_EQ(shown(Kind::Duration, "1y2mo3w4d5h6m7s8ms9us10ns"), "1y2mo25d5h6m7s8ms9us10ns");
  EXPECT_EQ(shown(Kind::Duration, "P1Y2M3DT4H5M6S"), "1y2mo3d4h5m6s");
  EXPECT_EQ(shown(Kind::Duration, "-PT5M"), "-5m");
  EXPECT_EQ(shown(Kind::Text, "'it''s'"), "it's");
  EXPECT_EQ(shown(Kind::Text, "$$it's$$"), "it's");
  EXPECT_EQ(format_value(Kind::Int, CellValue::null()), "null");
}

TEST(Values, WireBytesAsTheSpecHasThem) {
  EXPECT_EQ(hex(literal(Kind::Date, "'1970-01-01'")), "80 00 00 00");
  EXPECT_EQ(hex(literal(Kind::Varint, "128")), "00 80");
  EXPECT_EQ(hex(literal(Kind::Varint, "-129")), "ff 7f");
  EXPECT_EQ(hex(literal(Kind::Varint, "0")), "00");
  EXPECT_EQ(hex(literal(Kind::Decimal, "1.25")), "00 00 00 02 7d");
  EXPECT_EQ(hex(literal(Kind::Duration, "1mo2d3ns")), "02 04 06");
  EXPECT_EQ(hex(literal(Kind::Duration, "300d")), "00 82 58 00");
  EXPECT_EQ(hex(literal(Kind::Boolean, "true")), "01");
}

TEST(Values, CollectionsParseSortedAndPrintAsCqlsh) {
  const TypeRef set = TypeRef::set(Kind::Int);
  EXPECT_EQ(shown(set, "{3, -1, 3, 2}"), "{-1, 2, 3}");
  const TypeRef map = TypeRef::map(Kind::Text, Kind::Bigint);
  EXPECT_EQ(shown(map, "{'b': 2, 'a': 1}"), "{'a': 1, 'b': 2}");
  EXPECT_EQ(shown(TypeRef::list(Kind::Text), "['x', 'y''z']"), "['x', 'y''z']");
  EXPECT_EQ(shown(TypeRef::tuple({Kind::Int, Kind::Text}), "(1, 'a')"), "(1, 'a')");
  const TypeRef udt = TypeRef::udt("k", "address", {{"street", Kind::Text}, {"number", Kind::Int}});
  EXPECT_EQ(shown(udt, "{number: 5}"), "{street: null, number: 5}");
  EXPECT_EQ(shown(udt, "{street: null}"), "{street: null, number: null}");
  EXPECT_EQ(shown(TypeRef::tuple({Kind::Int, Kind::Text}), "(NULL, 'a')"), "(null, 'a')");
  Bytes unused;
  EXPECT_FALSE(parse_literal(set, "{null}", unused));
  EXPECT_EQ(format_value(map, CollectionBuilder().add("a").add(encode<Kind::Bigint>(1)).take_map()),
            "{'a': 1}");
  const Bytes nested = literal(TypeRef::list(set.frozen()), "[{2, 1}, {}]");
  EXPECT_EQ(format_literal(TypeRef::list(set.frozen()), nested), "[{1, 2}, {}]");
}

TEST(Values, WrongLiteralsSayWhatIsWrong) {
  EXPECT_NE(why_not(Kind::Int, "2147483648").find("2147483648"), std::string::npos);
  EXPECT_NE(why_not(Kind::Int, "'1'").find("int"), std::string::npos);
  EXPECT_NE(why_not(Kind::Text, "abc").find("quotes"), std::string::npos);
  EXPECT_NE(why_not(Kind::Text, "null").find("null"), std::string::npos);
  why_not(Kind::Text, "'open");
  why_not(Kind::Text, "'a' 'b'");
  why_not(Kind::Ascii, "'\xc3\xa9'");
  why_not(Kind::Text, "'\xff'");
  why_not(Kind::Blob, "0xabc");
  why_not(Kind::Blob, "0xzz");
  why_not(Kind::Date, "'2023-02-29'");
  why_not(Kind::Time, "'24:00:00'");
  why_not(Kind::Timestamp, "'yesterday'");
  why_not(Kind::Timestamp, "'2023-10-01 '");
  why_not(Kind::Timeuuid, "5132b130-ae79-41e4-ab27-0800200c9a66");
  why_not(Kind::Inet, "'300.1.1.1'");
  why_not(Kind::Double, "1e");
  why_not(Kind::Duration, "5h1y");
  why_not(Kind::Duration, "9999999999y");
  why_not(Kind::Decimal, "1e99999999999");
  why_not(TypeRef::list(Kind::Int), "[1, 2");
  why_not(TypeRef::list(Kind::Int), "[1 2]");
  why_not(TypeRef::map(Kind::Int, Kind::Int), "{1}");
  EXPECT_NE(why_not(TypeRef::tuple({Kind::Int}), "()").find("at least one"), std::string::npos);
}

TEST(Values, ValidationChecksWidthRangeAndEncoding) {
  EXPECT_FALSE(validate(Kind::Int, "abc"));
  EXPECT_TRUE(validate(Kind::Int, ""));  // empty is legal, and not null
  EXPECT_FALSE(validate(Kind::Inet, "abc"));
  EXPECT_FALSE(validate(Kind::Time, encode<Kind::Bigint>(kNanosADay)));
  EXPECT_FALSE(validate(Kind::Timeuuid, Bytes(16, '\0')));
  EXPECT_FALSE(validate(Kind::Duration, "\x01"));
  EXPECT_FALSE(validate(Kind::Duration, Bytes("\x01\x02\x00", 3)));  // -1 month, +1 day
  EXPECT_FALSE(validate(Kind::Decimal, "abcd"));
  EXPECT_TRUE(validate(Kind::Text, "eight by\xc3\xa9t and more \xf0\x9f\x98\x80"));
  for (const char* bad : {"\x80", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80",
                          "\xc3", "abcdefgh\xe2\x82"}) {
    EXPECT_FALSE(validate(Kind::Text, bad)) << hex(bad);
  }
  EXPECT_FALSE(validate(TypeRef::list(Kind::Int), Bytes("\x7f\xff\xff\xff", 4)));
  EXPECT_FALSE(validate(TypeRef::list(Kind::Int), Bytes("\0\0\0\1\0\0\0\1x", 9)));
}

TEST(Values, IllFormedOnesPrintAsHexadecimal) {
  EXPECT_EQ(format_value(Kind::Int, "ab"), "0x6162");
  EXPECT_EQ(format_value(Kind::Int, ""), "");
}

TEST(Calendar, AgreesWithTheStandardLibraryAndReachesFurther) {
  for (std::int64_t day = -800'000; day < 3'000'000; day += 37) {
    const CivilDay civil = civil_day(day);
    const std::chrono::year_month_day expected{std::chrono::sys_days{std::chrono::days{day}}};
    ASSERT_EQ(civil.year, static_cast<int>(expected.year()));
    ASSERT_EQ(static_cast<unsigned>(civil.month), static_cast<unsigned>(expected.month()));
    ASSERT_EQ(static_cast<unsigned>(civil.day), static_cast<unsigned>(expected.day()));
    ASSERT_EQ(days_since_1970(civil), day);
  }
  EXPECT_EQ(days_since_1970(civil_day(-(std::int64_t{1} << 40))), -(std::int64_t{1} << 40));
  EXPECT_EQ(format_timestamp(INT64_MIN).substr(0, 10), "-292275055");
}

}  // namespace
}  // namespace penstock::cql
