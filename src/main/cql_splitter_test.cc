// SPDX-License-Identifier: Apache-2.0
#include "main/cql_splitter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace penstock::main_room {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> split(std::string_view text) {
  CqlSplitter splitter;
  splitter.feed(text);
  std::vector<std::string> all;
  while (const auto one = splitter.next()) all.push_back(*one);
  if (const std::string rest = splitter.rest(); !rest.empty()) all.push_back("rest:" + rest);
  return all;
}

TEST(CqlSplitter, CutsAtSemicolonsAndDropsBlanksAndComments) {
  EXPECT_THAT(split(" SELECT 1 ; ;-- a; comment\n USE k;/* ; */"),
              ElementsAre("SELECT 1", "USE k"));
  EXPECT_THAT(split("// only this"), IsEmpty());
  EXPECT_THAT(split("SELECT 1"), ElementsAre("rest:SELECT 1"));
}

TEST(CqlSplitter, SemicolonInsideQuotesIsText) {
  EXPECT_THAT(split("INSERT 'a;''b;'; SELECT \"c;\"; X $$;'$$;"),
              ElementsAre("INSERT 'a;''b;'", "SELECT \"c;\"", "X $$;'$$"));
  EXPECT_THAT(split("SELECT 'open; "), ElementsAre("rest:SELECT 'open;"));
}

TEST(CqlSplitter, BatchIsOneStatement) {
  EXPECT_THAT(split("BEGIN BATCH INSERT 1; INSERT 2; APPLY BATCH; SELECT 3;"),
              ElementsAre("BEGIN BATCH INSERT 1; INSERT 2; APPLY BATCH", "SELECT 3"));
  EXPECT_THAT(split("begin unlogged batch a; apply batch;b;"),
              ElementsAre("begin unlogged batch a; apply batch", "b"));
}

TEST(CqlSplitter, PiecesOfAnySizeGiveTheSame) {
  const std::string text = "SELECT 'a;b' FROM t; -- c;\nUSE k;";
  CqlSplitter splitter;
  std::vector<std::string> all;
  for (const char c : text) {
    splitter.feed(std::string(1, c));
    while (const auto one = splitter.next()) all.push_back(*one);
  }
  EXPECT_THAT(all, ElementsAre("SELECT 'a;b' FROM t", "USE k"));
  EXPECT_TRUE(splitter.blank());
}

}  // namespace
}  // namespace penstock::main_room
