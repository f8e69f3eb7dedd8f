// SPDX-License-Identifier: Apache-2.0
#include "main/properties.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace penstock::main_room {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

class PropertiesFile : public testing::Test {
 protected:
  std::string write(const std::string& text) {
    const auto file = std::filesystem::path(testing::TempDir()) / "producer.properties";
    std::ofstream(file) << text;
    return file.string();
  }
};

TEST_F(PropertiesFile, IsReadAsJavaWritesIt) {
  const auto all =
      read_properties(write("# comment\n! another\n\nacks = 1\r\nlinger.ms=5\nempty=\n"
                            "sasl.jaas.config=a user=\"b\"\n"));
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_THAT(*all, ElementsAre(Pair("acks", "1"), Pair("empty", ""), Pair("linger.ms", "5"),
                                Pair("sasl.jaas.config", "a user=\"b\"")));
}

TEST_F(PropertiesFile, MistakeIsNamedWithItsLine) {
  const std::string file = write("acks=1\nnonsense\n");
  EXPECT_THAT(read_properties(file).error().message, HasSubstr(file + ":2: NAME=VALUE is wanted"));
  EXPECT_THAT(read_properties("/nowhere/x.properties").error().message,
              HasSubstr("cannot be read"));
}

TEST(Properties, UnknownNameIsRefusedWithASuggestion) {
  EXPECT_EQ(parse_properties({"print.kye=true"}, "--property", {"print.key"}).error().message,
            "--property: unknown property 'print.kye'; did you mean 'print.key'?");
  EXPECT_EQ(parse_properties({"=x"}, "-X").error().message, "-X: NAME=VALUE is wanted, not '=x'");
}

TEST(Properties, ValueKeepsItsBlanksOnTheCommandLine) {
  EXPECT_THAT(*parse_properties({"key.separator= | "}, "--property"),
              ElementsAre(Pair("key.separator", " | ")));
}

}  // namespace
}  // namespace penstock::main_room
