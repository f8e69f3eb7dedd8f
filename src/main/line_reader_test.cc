// SPDX-License-Identifier: Apache-2.0
#include "main/line_reader.h"

#include <gtest/gtest.h>

namespace penstock::main_room {
namespace {

std::string shown(const std::optional<BytesView>& part) {
  return part ? std::string(*part) : "NULL";
}

// "name=value,... | key | value", or the error.
std::string read(const Properties& properties, std::string_view line) {
  const auto record = LineReader(properties).read(line);
  if (!record) return record.error().message;
  std::string headers;
  for (const auto& [name, value] : record->headers)
    headers += (headers.empty() ? "" : ",") + std::string(name) + "=" + shown(value);
  return headers + " | " + shown(record->key) + " | " + shown(record->value);
}

TEST(LineReader, WholeLineIsTheValueUnlessToldOtherwise) {
  EXPECT_EQ(read({}, "k\tv"), " | NULL | k\tv");
  EXPECT_EQ(read({}, ""), " | NULL | ");
}

TEST(LineReader, KeyEndsAtTheFirstSeparator) {
  EXPECT_EQ(read({{"parse.key", "true"}}, "k\tv\tw"), " | k | v\tw");
  EXPECT_EQ(read({{"parse.key", "true"}, {"key.separator", "::"}}, "k::v"), " | k | v");
  EXPECT_EQ(read({{"parse.key", "true"}, {"key.separator", "\\t"}}, "k\tv"), " | k | v");
}

TEST(LineReader, HeadersComeFirst) {
  const Properties both{{"parse.key", "true"}, {"parse.headers", "true"}};
  EXPECT_EQ(read(both, "a:1,b:2:3\tk\tv"), "a=1,b=2:3 | k | v");
  EXPECT_EQ(read(both, "\tk\tv"), " | k | v");
  EXPECT_EQ(read({{"parse.headers", "true"},
                  {"headers.delimiter", "|"},
                  {"headers.separator", ";"},
                  {"headers.key.separator", "="}},
                 "a=1;b=|v"),
            "a=1,b= | NULL | v");
}

TEST(LineReader, NullMarkerStandsForNullWherever) {
  const Properties nulls{{"parse.key", "true"}, {"parse.headers", "true"}, {"null.marker", "-"}};
  EXPECT_EQ(read(nulls, "a:-\t-\t-"), "a=NULL | NULL | NULL");
  EXPECT_EQ(read(nulls, "-\tk\tv"), " | k | v") << "no headers at all";
}

TEST(LineReader, MissingPartIsNamed) {
  EXPECT_EQ(read({{"parse.key", "true"}}, "bad"), "no key separator in 'bad'");
  EXPECT_EQ(read({{"parse.headers", "true"}}, "bad"), "no headers delimiter in 'bad'");
  EXPECT_EQ(read({{"parse.headers", "true"}}, "a:1,b\tv"), "no header key separator in 'b'");
}

TEST(LineReader, IgnoreErrorTakesTheLineAsItIs) {
  EXPECT_EQ(read({{"parse.key", "true"}, {"ignore.error", "true"}}, "bad"), " | NULL | bad");
  EXPECT_EQ(read({{"parse.headers", "true"}, {"ignore.error", "true"}}, "a:1,b\tv"),
            "a=1,b=NULL | NULL | v");
}

}  // namespace
}  // namespace penstock::main_room
