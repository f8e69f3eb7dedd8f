// SPDX-License-Identifier: Apache-2.0
#include "wire/cql/murmur3.h"

#include <gtest/gtest.h>

#include "base/uuid.h"

namespace penstock::cql {
namespace {

Bytes counting(int size) {
  Bytes bytes;
  for (int i = 0; i < size; ++i) bytes.push_back(static_cast<char>(i));
  return bytes;
}

// Values computed with the Python driver's C extension.
TEST(Murmur3, AgreesWithCassandrasDrivers) {
  EXPECT_EQ(murmur3(""), 0);
  EXPECT_EQ(murmur3("a"), -8839064797231613815);
  EXPECT_EQ(murmur3("abc"), -5434086359492102041);
  EXPECT_EQ(murmur3("hello"), -3758069500696749310);
  EXPECT_EQ(murmur3(counting(16)), 4920504430128807728);
  EXPECT_EQ(murmur3(counting(17)), 6662781046685680142);
  EXPECT_EQ(murmur3(Bytes("\0\0\0\1", 4)), -4069959284402364209);
  EXPECT_EQ(murmur3(Bytes("\0\0\0\0\0\0\0\1", 8)), 6292367497774912474);
  EXPECT_EQ(murmur3(Bytes(4, '\xff')), 7297452126230313552);
  EXPECT_EQ(murmur3(Bytes(15, '\x80')), -5979218241483680930);
  EXPECT_EQ(murmur3("\xc3\xa9"), 5461403030378599040);
  EXPECT_EQ(murmur3(Bytes(31, '\xfe')), -3389072035023731038);
  EXPECT_EQ(murmur3(Uuid::parse("5132b130-ae79-11e4-ab27-0800200c9a66")->view()),
            -3876031336568162771);
}

TEST(Murmur3, EmptyKeyHasTheSmallestToken) {
  EXPECT_EQ(token(""), INT64_MIN);
}

TEST(Murmur3, CompositeKeyIsLengthBytesZero) {
  const Bytes one("\0\0\0\1", 4);
  Bytes key;
  append_partition_key(std::vector<BytesView>{one, "a"}, key);
  EXPECT_EQ(hex(key), "00 04 00 00 00 01 00 00 01 61 00");
  EXPECT_EQ(token(key), 6516349416904725244);
  Bytes single;
  append_partition_key(std::vector<BytesView>{"a"}, single);
  EXPECT_EQ(single, "a");
}

}  // namespace
}  // namespace penstock::cql
