// SPDX-License-Identifier: Apache-2.0
#include "sql/text_values.h"

#include <gtest/gtest.h>

#include <ctime>
#include <random>

namespace penstock::sql {
namespace {

TEST(Timestamp, ReadsIso8601WithAndWithoutParts) {
  EXPECT_EQ(parse_timestamp("2023-10-01T12:00:00Z"), 1'696'161'600'000);
  EXPECT_EQ(parse_timestamp("2023-10-01 12:00:00.123456"), 1'696'161'600'123);
  EXPECT_EQ(parse_timestamp("2023-10-01T14:00+02:00"), 1'696'161'600'000);
  EXPECT_EQ(parse_timestamp("2023-10-01T04:00:00.5-0800"), 1'696'161'600'500);
  EXPECT_EQ(parse_timestamp(" 1969-12-31T23:59:59.999Z "), -1);
  EXPECT_EQ(parse_timestamp("2023-10-01"), 1'696'118'400'000);
}

TEST(Timestamp, RefusesWhatIsNoMoment) {
  for (const char* text :
       {"", "now", "2023-13-01", "2023-02-29", "2023-10-01T24:00:00Z", "2023-10-01T12:00:00.Z",
        "2023-10-01T12:00:00Q", "2023-10-01T12", "2023-10-01T12:00:00Zx", "20231001"}) {
    EXPECT_FALSE(parse_timestamp(text)) << text;
  }
}

TEST(Timestamp, AgreesWithTheSystemCalendarAndReadsBackWhatItWrites) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 2000; ++i) {
    const auto seconds = static_cast<std::int64_t>(random() % 253'402'300'800U) - 30'000'000'000;
    const std::time_t time = seconds;
    std::tm parts{};
    gmtime_r(&time, &parts);
    if (parts.tm_year + 1900 < 1 || parts.tm_year + 1900 > 9999) continue;
    char text[64];
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
    const std::string padded =
        std::string(19 - std::min<std::size_t>(19, std::strlen(text)), '0') + text;
    EXPECT_EQ(format_timestamp(seconds * 1000), padded);
    EXPECT_EQ(parse_timestamp(padded), seconds * 1000);
  }
}

TEST(Numbers, ReadWholeTextsOnly) {
  EXPECT_EQ(parse_int(" -42 "), -42);
  EXPECT_EQ(parse_int("+7"), 7);
  EXPECT_FALSE(parse_int("+-7"));
  EXPECT_FALSE(parse_int("9223372036854775808"));
  EXPECT_FALSE(parse_int("1.0"));
  EXPECT_EQ(parse_double("1e3"), 1000.0);
  EXPECT_FALSE(parse_double("inf"));
  EXPECT_FALSE(parse_double("1x"));
  EXPECT_EQ(parse_boolean("YES"), true);
  EXPECT_FALSE(parse_boolean("2"));
}

TEST(Numbers, DoublesPrintTheShortestTextWithAPoint) {
  EXPECT_EQ(format_double(1, false), "1.0");
  EXPECT_EQ(format_double(0.1, false), "0.1");
  EXPECT_EQ(format_double(1e300, false), "1e+300");
  EXPECT_EQ(format_double(static_cast<double>(0.1F), true), "0.1");
}

TEST(Widths, AreCheckedWhereAValueEnters) {
  Column tiny(Type::Tinyint);
  EXPECT_TRUE(append_parsed(tiny, "127"));
  EXPECT_FALSE(append_parsed(tiny, "128"));
  EXPECT_EQ(tiny.size(), 1U);
}

TEST(Uuids, TimeuuidMustBeOfVersionOne) {
  Column any(Type::Uuid);
  EXPECT_TRUE(append_parsed(any, "D23F0824-128b-4f33-8c5c-7fd0a6a3a450"));
  EXPECT_EQ(cell_text(any, 0), "d23f0824-128b-4f33-8c5c-7fd0a6a3a450");
  Column time(Type::Timeuuid);
  EXPECT_FALSE(append_parsed(time, "d23f0824-128b-4f33-8c5c-7fd0a6a3a450"));
  EXPECT_TRUE(append_parsed(time, "d23f0824-128b-1f33-8c5c-7fd0a6a3a450"));
}

}  // namespace
}  // namespace penstock::sql
