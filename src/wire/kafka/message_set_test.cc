// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/message_set.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <vector>

#include "wire/kafka/compression.h"
#include "wire/kafka/record_batch.h"

namespace penstock::kafka {
namespace {

Bytes message(int magic, Codec codec, std::int64_t timestamp, std::optional<BytesView> key,
              BytesView value) {
  Bytes covered;
  covered.push_back(static_cast<char>(magic));
  covered.push_back(static_cast<char>(codec));
  if (magic == 1) append_be(covered, timestamp);
  append_be(covered, key ? static_cast<std::int32_t>(key->size()) : -1);
  if (key) covered += *key;
  append_be(covered, static_cast<std::int32_t>(value.size()));
  covered += value;
  Bytes bytes;
  append_be(bytes, std::int64_t{0});
  append_be(bytes, static_cast<std::int32_t>(covered.size() + 4));
  append_be(bytes,
            static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(covered.data()),
                                             static_cast<uInt>(covered.size()))));
  return bytes + covered;
}

struct Seen {
  Offset offset;
  std::int64_t timestamp;
  std::string text;
  friend bool operator==(const Seen&, const Seen&) = default;
};

std::vector<Seen> records_of(BytesView bytes) {
  std::vector<Seen> seen;
  const auto batch = RecordBatchView::parse(bytes).value();
  EXPECT_TRUE(check_produced(bytes).batch);
  Bytes scratch;
  EXPECT_TRUE(for_each_record(batch, scratch, [&](const RecordView& record) {
    seen.push_back(
        {record.offset, record.timestamp,
         fmt::format("{}={}", record.key.value_or("null"), record.value.value_or("null"))});
  }));
  return seen;
}

TEST(MessageSet, PlainMessagesBecomeOneBatch) {
  const Bytes set =
      message(1, Codec::None, 100, "k", "v") + message(1, Codec::None, 200, std::nullopt, "w");
  EXPECT_TRUE(is_message_set(set));
  const auto batch = batch_from_message_set(set);
  ASSERT_TRUE(batch) << batch.error().message;
  EXPECT_FALSE(is_message_set(*batch));
  EXPECT_EQ(records_of(*batch),
            (std::vector<Seen>{{Offset(0), 100, "k=v"}, {Offset(1), 200, "null=w"}}));
}

TEST(MessageSet, Magic0HasNoTime) {
  const auto batch = batch_from_message_set(message(0, Codec::None, 0, "k", "v"));
  ASSERT_TRUE(batch);
  EXPECT_EQ(records_of(*batch), (std::vector<Seen>{{Offset(0), kNoTimestamp, "k=v"}}));
}

TEST(MessageSet, CompressedSetsKeepTheirCodec) {
  const Bytes inner =
      message(1, Codec::None, 100, "k", "v") + message(1, Codec::None, 200, "l", "w");
  for (const Codec codec : {Codec::Gzip, Codec::Snappy, Codec::Lz4}) {
    Bytes packed;
    ASSERT_TRUE(compress(codec, inner, packed));
    const auto batch = batch_from_message_set(message(1, codec, 200, std::nullopt, packed));
    ASSERT_TRUE(batch) << batch.error().message;
    EXPECT_EQ(RecordBatchView::parse(*batch)->codec(), codec);
    EXPECT_EQ(records_of(*batch).size(), 2u);
  }
}

TEST(MessageSet, WhatIsWrongIsRefused) {
  const Bytes good = message(1, Codec::None, 100, "k", "v");
  Bytes flipped = good;
  flipped.back() = 'x';
  EXPECT_EQ(batch_from_message_set(flipped).error().code, Code::Corrupt);
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(batch_from_message_set(good.substr(0, size))) << size;
  EXPECT_EQ(batch_from_message_set(message(0, Codec::Lz4, 0, "k", "v")).error().code,
            Code::Unsupported);
  Bytes packed;
  ASSERT_TRUE(compress(Codec::Gzip, good, packed));
  const Bytes nested = message(1, Codec::Gzip, 0, std::nullopt, packed);
  Bytes twice;
  ASSERT_TRUE(compress(Codec::Gzip, nested, twice));
  EXPECT_EQ(batch_from_message_set(message(1, Codec::Gzip, 0, std::nullopt, twice)).error().code,
            Code::Corrupt);
}

TEST(MessageSet, DecompressionIsBounded) {
  Bytes packed;
  ASSERT_TRUE(
      compress(Codec::Gzip, message(1, Codec::None, 0, "k", Bytes(1'000'000, 'v')), packed));
  EXPECT_EQ(
      batch_from_message_set(message(1, Codec::Gzip, 0, std::nullopt, packed), 10'000).error().code,
      Code::TooLarge);
}

}  // namespace
}  // namespace penstock::kafka
