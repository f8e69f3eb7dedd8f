// SPDX-License-Identifier: Apache-2.0
#include "main/text_table.h"

#include <gtest/gtest.h>

namespace penstock::main_room {
namespace {

TEST(CqlTable, LooksAsCqlshPrintsIt) {
  CqlTable table({"id", "email"});
  EXPECT_EQ(table.page({{"user_1", "a@b"}, {"u", "long@example.com"}}),
            "\n id     | email\n"
            "--------+------------------\n"
            " user_1 |              a@b\n"
            "      u | long@example.com\n");
  EXPECT_EQ(table.page({{"next", "page"}}), "   next |             page\n")
      << "heading once, widths kept";
}

TEST(CqlTable, NoRowsStillShowTheHeading) {
  EXPECT_EQ(CqlTable({"count"}).page({}), "\n count\n-------\n");
}

TEST(DisplayWidth, CountsWhatATerminalShows) {
  EXPECT_EQ(display_width("abc"), 3);
  EXPECT_EQ(display_width("né"), 2);
  EXPECT_EQ(display_width("日本"), 4);
  EXPECT_EQ(display_width("e\xcc\x81"), 1);
  EXPECT_EQ(display_width("\xff\xe6"), 2);
}

TEST(TextTable, AlignsColumnsToTheLeft) {
  TextTable table({"GROUP", "LAG"});
  table.add({"users", "0"});
  table.add({"longer-name", "12"});
  EXPECT_EQ(table.text(), "GROUP        LAG\nusers        0\nlonger-name  12\n");
}

}  // namespace
}  // namespace penstock::main_room
