// SPDX-License-Identifier: Apache-2.0
#include "wire/cql/types.h"

#include <gtest/gtest.h>

namespace penstock::cql {
namespace {

Bytes written(const TypeRef& type, std::uint8_t version) {
  Bytes bytes;
  Writer to(bytes, version);
  write_type(to, type, version);
  return bytes;
}
TypeRef read_back(BytesView bytes, std::uint8_t version) {
  Reader from(bytes, version);
  TypeRef type = read_type(from);
  EXPECT_TRUE(from.ok());
  EXPECT_EQ(from.left(), 0);
  return type;
}

TEST(Types, EveryScalarTravelsInBothVersions) {
  for (const Kind kind : scalar_kinds()) {
    for (const std::uint8_t version : {std::uint8_t{3}, std::uint8_t{4}})
      EXPECT_EQ(read_back(written(kind, version), version), TypeRef(kind)) << name(kind);
    EXPECT_EQ(scalar_kind(name(kind)), kind);
  }
  EXPECT_EQ(scalar_kind("VARCHAR"), Kind::Text);
  EXPECT_EQ(hex(written(Kind::Text, 4)), "00 0d");
}

TEST(Types, NewerTypesGoOutAsCustomClassesToOlderClients) {
  EXPECT_NE(written(Kind::Smallint, 3).find("org.apache.cassandra.db.marshal.ShortType"),
            Bytes::npos);
  EXPECT_EQ(hex(written(Kind::Smallint, 4)), "00 13");
  EXPECT_NE(written(Kind::Duration, 4).find("org.apache.cassandra.db.marshal.DurationType"),
            Bytes::npos);
}

TEST(Types, NestedOnesTravelAndPrint) {
  const TypeRef type = TypeRef::map(
      Kind::Text, TypeRef::tuple({TypeRef::list(Kind::Int),
                                  TypeRef::udt("k", "u", {{"a", TypeRef::set(Kind::Uuid)}}),
                                  TypeRef::custom("x.Y")}));
  EXPECT_EQ(read_back(written(type, 4), 4), type);
  EXPECT_EQ(type.text(), "map<text, tuple<list<int>, u, 'x.Y'>>");
}

TEST(Types, ParseAndTextAgree) {
  for (const char* text : {"int", "frozen<list<text>>", "map<text, frozen<set<uuid>>>",
                           "tuple<int, text, list<blob>>"}) {
    const auto type = TypeRef::parse(text);
    ASSERT_TRUE(type) << type.error().message;
    EXPECT_EQ(type->text(), text);
  }
  EXPECT_EQ(TypeRef::parse(" Map < varchar,INT > ")->text(), "map<text, int>");
  EXPECT_EQ(TypeRef::parse("list<integer>").error().message, "Unknown type integer");
  EXPECT_FALSE(TypeRef::parse("list<int"));
  EXPECT_FALSE(TypeRef::parse("map<int>"));
  EXPECT_FALSE(TypeRef::parse("int>"));
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "list<";
  EXPECT_EQ(TypeRef::parse(deep).error().code, Code::TooLarge);
}

TEST(Types, DeepNestingFromTheWireIsRefused) {
  Bytes deep;
  for (int i = 0; i < 100'000; ++i) append_be(deep, std::uint16_t{0x20});
  Reader from(deep, 4);
  read_type(from);
  EXPECT_FALSE(from.ok());
}

}  // namespace
}  // namespace penstock::cql
