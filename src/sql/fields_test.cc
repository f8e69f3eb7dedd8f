// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "sql/field.h"

namespace penstock::sql {
namespace {

std::string error_of(std::string_view text) {
  const auto fields = parse_fields(text);
  return fields ? "no error" : fields.error().text();
}

TEST(Fields, ReadsNamesTypesAndNotNull) {
  const auto fields =
      parse_fields("id uuid NOT NULL, name text,\n  \"Strange Name\" VARCHAR null, n INT");
  ASSERT_TRUE(fields) << fields.error().text();
  EXPECT_EQ(*fields, (Fields{{"id", Type::Uuid, true},
                             {"name", Type::Text, false},
                             {"Strange Name", Type::Text, false},
                             {"n", Type::Int, false}}));
}

TEST(Fields, ErrorsNameThePlaceAndTheLikelyMeaning) {
  EXPECT_EQ(error_of(""), "line 1, column 1: the schema has no columns");
  EXPECT_EQ(error_of("id text,\n  name txet"),
            "line 2, column 8: type txet is not one of text, ascii, boolean, tinyint, smallint, "
            "int, bigint, float, "
            "double, timestamp, date, uuid, timeuuid; did you mean text?");
  EXPECT_EQ(error_of("id text, id int"), "line 1, column 10: column id appears twice");
  EXPECT_EQ(error_of("id text NOT"), "line 1, column 12: expected NULL after NOT");
  EXPECT_EQ(error_of("id text name text"),
            "line 1, column 9: expected ',' or NOT NULL after column id, found 'name'");
  EXPECT_EQ(error_of("id text, PRIMARY KEY (id)"),
            "line 1, column 10: PRIMARY KEY belongs to the sink: give primary_key there");
  EXPECT_EQ(error_of("id text,"), "line 1, column 9: a column is missing after the last ','");
}

TEST(Nearest, FindsSlipsOfThePenAndNothingFarAway) {
  EXPECT_EQ(nearest("topcis", {"topics", "group", "start"}), "topics");
  EXPECT_EQ(nearest("emial", {"id", "email"}), "email");
  EXPECT_EQ(nearest("banana", {"id", "email"}), "");
}

}  // namespace
}  // namespace penstock::sql
