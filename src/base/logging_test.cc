// SPDX-License-Identifier: Apache-2.0
#include "base/logging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/utf8.h"

namespace penstock {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

std::string logged(LogFormat format, std::string_view message) {
  start_logging(LogLevel::Info, format);
  testing::internal::CaptureStderr();
  log_debug("room", "below the least level");
  log_warn("room", "{}", message);
  std::string line = testing::internal::GetCapturedStderr();
  start_logging(LogLevel::Info, LogFormat::Pretty);
  return line;
}

TEST(Logging, JsonLineHasTimeLevelRoomAndMessage) {
  EXPECT_THAT(logged(LogFormat::Json, "a \"quoted\" \\ line\nand\x01 more"),
              ContainsRegex("^\\{\"time\":\"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}"
                            "[+-][0-9]{2}:[0-9]{2}\",\"level\":\"warning\",\"room\":\"room\","
                            "\"message\":\"a \\\\\"quoted\\\\\" \\\\\\\\ line\\\\u000aand"
                            "\\\\u0001 more\"\\}\n$"));
}

TEST(Logging, JsonStaysUtf8WhateverIsQuoted) {
  const std::string line = logged(LogFormat::Json, "topic \xff\xc0\x80 of J\xc3\xbcrgen");
  EXPECT_TRUE(is_utf8(line)) << line;
  EXPECT_THAT(line, HasSubstr("topic \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd of J\xc3\xbcrgen"));
}

TEST(Logging, PrettyLineIsForPeople) {
  EXPECT_THAT(logged(LogFormat::Pretty, "a \"quoted\" line"),
              ContainsRegex("^[0-9:]{8}\\.[0-9]{3} warning room: a \"quoted\" line\n$"));
}

TEST(Utf8, OnlyWhatTheStandardAllows) {
  for (const char* good : {"", "plain", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                           "\xf4\x8f\xbf\xbf", "\xee\x80\x80"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
    EXPECT_EQ(to_utf8(good), good);
  }
  for (const char* bad :
       {"\x80", "\xc3", "\xc3x", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "a\xff"}) {
    EXPECT_FALSE(is_utf8(bad)) << bad;
    EXPECT_TRUE(is_utf8(to_utf8(bad)));
  }
}

}  // namespace
}  // namespace penstock
