// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/compression.h"

#include <gtest/gtest.h>
#include <lz4frame.h>
#include <snappy-c.h>
#include <zstd.h>

#include <random>

namespace penstock::kafka {
namespace {

class CompressionOfEachCodec : public testing::TestWithParam<Codec> {};
INSTANTIATE_TEST_SUITE_P(Codecs, CompressionOfEachCodec,
                         testing::Values(Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4,
                                         Codec::Zstd),
                         [](const auto& codec) { return std::string(name(codec.param)); });

Bytes some_text(std::size_t size) {
  std::mt19937_64 random(size);
  Bytes text;
  while (text.size() < size) text += "word" + std::to_string(random() % 100) + ' ';
  text.resize(size);
  return text;
}

TEST_P(CompressionOfEachCodec, GivesBackWhatItWasGiven) {
  for (const std::size_t size : {0, 1, 100, 32'768, 32'769, 300'000, 3'000'000}) {
    const Bytes text = some_text(size);
    Bytes packed = "before";
    ASSERT_TRUE(compress(GetParam(), text, packed));
    EXPECT_TRUE(packed.starts_with("before"));
    Bytes back = "kept";
    const auto done = decompress(GetParam(), BytesView(packed).substr(6), size, back);
    ASSERT_TRUE(done) << size << ": " << done.error().message;
    EXPECT_TRUE(back == "kept" + text) << size;
  }
}

TEST_P(CompressionOfEachCodec, StopsAtTheLimit) {
  Bytes packed;
  ASSERT_TRUE(compress(GetParam(), Bytes(20'000'000, '\0'), packed));
  Bytes out;
  const auto done = decompress(GetParam(), packed, 1'000'000, out);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::TooLarge);
  EXPECT_LE(out.size(), 1'000'001u);
}

TEST_P(CompressionOfEachCodec, BytesCutAnywhereAreRefused) {
  if (GetParam() == Codec::None) return;
  Bytes packed;
  ASSERT_TRUE(compress(GetParam(), some_text(70'000), packed));
  for (std::size_t size = 0; size < packed.size(); size += size < 200 ? 1 : 997) {
    const Bytes cut = packed.substr(0, size);
    Bytes out;
    const auto done = decompress(GetParam(), cut, 100'000, out);
    // Xerial frames may end after any block: only the record count can tell that some are missing.
    EXPECT_TRUE(!done || GetParam() == Codec::Snappy) << size;
  }
}

TEST_P(CompressionOfEachCodec, DamagedBytesNeverHarm) {
  Bytes packed;
  ASSERT_TRUE(compress(GetParam(), some_text(5'000), packed));
  std::mt19937_64 random(3);
  for (int i = 0; i < 500; ++i) {
    Bytes damaged = packed;
    damaged[random() % damaged.size()] = static_cast<char>(random());
    Bytes out;
    static_cast<void>(decompress(GetParam(), damaged, 100'000, out));
  }
}

TEST(Compression, SnappyOfLibrdkafkaIsOneRawBlock) {
  const Bytes text = some_text(100'000);
  std::size_t size = snappy_max_compressed_length(text.size());
  Bytes raw(size, '\0');
  ASSERT_EQ(snappy_compress(text.data(), text.size(), raw.data(), &size), SNAPPY_OK);
  raw.resize(size);
  Bytes back;
  ASSERT_TRUE(decompress(Codec::Snappy, raw, 1 << 20, back));
  EXPECT_TRUE(back == text);
}

TEST(Compression, ASnappyBlockThatClaimsGigabytesGetsNoMemory) {
  Bytes out;
  EXPECT_FALSE(
      decompress(Codec::Snappy, BytesView("\xff\xff\xff\xff\x0f\x00", 6), SIZE_MAX / 2, out));
}

TEST(Compression, GzipMembersFollowEachOther) {
  Bytes packed;
  ASSERT_TRUE(compress(Codec::Gzip, "one ", packed));
  ASSERT_TRUE(compress(Codec::Gzip, "two", packed));
  Bytes back;
  ASSERT_TRUE(decompress(Codec::Gzip, packed, 100, back));
  EXPECT_EQ(back, "one two");
}

TEST(Compression, ZstdFramesSayTheirSize) {
  Bytes packed;
  ASSERT_TRUE(compress(Codec::Zstd, some_text(5'000), packed));
  EXPECT_EQ(ZSTD_getFrameContentSize(packed.data(), packed.size()), 5'000u);
}

TEST(Compression, ACodecThatDoesNotExistIsRefused) {
  Bytes out;
  EXPECT_EQ(decompress(static_cast<Codec>(6), "x", 10, out).error().code, Code::Corrupt);
}

}  // namespace
}  // namespace penstock::kafka
