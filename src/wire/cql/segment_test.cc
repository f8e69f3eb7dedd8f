// SPDX-License-Identifier: Apache-2.0
#include "wire/cql/segment.h"

#include <gtest/gtest.h>

#include "wire/cql/frame.h"

namespace penstock::cql {
namespace {

// What the Python driver makes of OPTIONS on stream 1.
const Bytes kOptions("\x05\x00\x00\x01\x05\x00\x00\x00\x00", 9);
const Bytes kOptionsSegment(
    "\x09\x00\x02\xa4\xc8\xc1\x05\x00\x00\x01\x05\x00\x00\x00\x00\xb5\x55\x74\x86", 19);

Bytes joined(BytesView segments, bool lz4, std::size_t* count = nullptr) {
  Bytes all;
  Bytes scratch;
  while (!segments.empty()) {
    const std::size_t size = segment_size(segments, lz4).value();
    EXPECT_LE(size, segments.size());
    all += open_segment(segments.substr(0, size), lz4, scratch).value().payload;
    segments.remove_prefix(size);
    if (count != nullptr) ++*count;
  }
  return all;
}

TEST(Segment, IsWhatThePythonDriverMakes) {
  Bytes made;
  append_segments(kOptions, false, made);
  EXPECT_EQ(made, kOptionsSegment);
  EXPECT_EQ(segment_crc24(std::uint64_t{1} << 17, 3), 0xC4366A);
  Bytes scratch;
  const auto opened = open_segment(kOptionsSegment, false, scratch);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->payload, kOptions);
  EXPECT_TRUE(opened->self_contained);
}

TEST(Segment, SizeIsToldOnceTheHeaderIsThere) {
  for (std::size_t i = 1; i < 6; ++i)
    EXPECT_EQ(*segment_size(BytesView(kOptionsSegment).substr(0, i), false), 0);
  EXPECT_EQ(*segment_size(BytesView(kOptionsSegment).substr(0, 6), false), 19);
}

TEST(Segment, LongEnvelopesTravelInSlices) {
  for (const bool lz4 : {false, true}) {
    Bytes envelope(300'000, 'x');
    for (std::size_t i = 0; i < envelope.size(); ++i)
      envelope[i] = static_cast<char>(i * 2654435761U >> 13);
    Bytes made;
    append_segments(envelope, lz4, made);
    std::size_t count = 0;
    EXPECT_EQ(joined(made, lz4, &count), envelope);
    EXPECT_EQ(count, 3);
    Bytes scratch;
    const std::size_t first = *segment_size(made, lz4);
    EXPECT_FALSE(open_segment(BytesView(made).substr(0, first), lz4, scratch)->self_contained);
  }
}

TEST(Segment, PacksWhatGainsByIt) {
  Bytes made;
  append_segments(Bytes(1000, 'x'), true, made);
  EXPECT_LT(made.size(), 100);
  EXPECT_EQ(joined(made, true), Bytes(1000, 'x'));
  Bytes plain;
  append_segments(kOptions, true, plain);
  EXPECT_EQ(plain.size(), kOptions.size() + 12);
  EXPECT_EQ(joined(plain, true), kOptions);
}

TEST(Segment, AnyFlippedBitIsFound) {
  Bytes scratch;
  for (const bool lz4 : {false, true}) {
    Bytes made;
    append_segments(Bytes(100, 'x'), lz4, made);
    for (std::size_t bit = 0; bit < made.size() * 8; ++bit) {
      Bytes wrong = made;
      wrong[bit / 8] = static_cast<char>(wrong[bit / 8] ^ (1 << (bit % 8)));
      EXPECT_FALSE(open_segment(wrong, lz4, scratch)) << bit;
    }
  }
}

// A QUERY with a body of so many bytes.
Bytes envelope(std::size_t body_bytes, char fill = 'x') {
  auto writer = FrameWriter::request(5, 1, Opcode::Query);
  writer.body().raw(Bytes(body_bytes, fill));
  return std::move(writer).finish();
}

std::vector<Bytes> read_all(SegmentReader& reader, BytesView segments, bool lz4) {
  std::vector<Bytes> envelopes;
  while (!segments.empty()) {
    const std::size_t size = segment_size(segments, lz4).value();
    EXPECT_TRUE(reader.open(segments.substr(0, size)));
    for (auto next = reader.next(); next && !next->empty(); next = reader.next())
      envelopes.emplace_back(*next);
    segments.remove_prefix(size);
  }
  return envelopes;
}

TEST(SegmentPacker, SmallOnesShareASegmentAndLongOnesKeepTheirPlace) {
  for (const bool lz4 : {false, true}) {
    const std::vector<Bytes> sent = {
        envelope(0),       envelope(50'000, 'a'), envelope(50'000, 'b'), envelope(50'000),
        envelope(300'000), envelope(10),          envelope(131'062),     envelope(131'063)};
    SegmentPacker packer(lz4);
    for (const Bytes& one : sent) packer.add(one);
    const Bytes bytes = packer.take();
    EXPECT_TRUE(packer.empty());
    std::size_t segments = 0;
    joined(bytes, lz4, &segments);
    EXPECT_EQ(segments, 1 + 1 + 3 + 1 + 1 + 2);
    SegmentReader reader(lz4, envelope_size, 1 << 20);
    EXPECT_EQ(read_all(reader, bytes, lz4), sent);
  }
}

TEST(SegmentReader, WhatDoesNotBelongTogetherIsRefused) {
  const auto cut = [](const Bytes& whole, std::size_t from = 0) {
    return BytesView(whole).substr(from, *segment_size(BytesView(whole).substr(from), false));
  };
  Bytes sliced;
  append_segments(envelope(200'000), false, sliced);
  Bytes small;
  append_segments(envelope(3), false, small);
  {
    SegmentReader reader(false, envelope_size, 1 << 20);
    ASSERT_TRUE(reader.open(cut(sliced)));
    EXPECT_EQ(reader.next()->size(), 0);
    EXPECT_FALSE(reader.open(cut(small))) << "between the slices of another";
  }
  {
    SegmentReader reader(false, envelope_size, 1 << 20);
    ASSERT_TRUE(reader.open(cut(sliced)));
    EXPECT_FALSE(reader.open(cut(sliced))) << "more than the envelope has";
  }
  {
    SegmentReader reader(false, envelope_size, 100'000);
    const auto opened = reader.open(cut(sliced));
    ASSERT_FALSE(opened) << "too long";
    EXPECT_EQ(opened.error().code, Code::TooLarge);
  }
  Bytes half;
  append_segments(BytesView(envelope(100)).substr(0, 50), false, half);
  SegmentReader reader(false, envelope_size, 1 << 20);
  ASSERT_TRUE(reader.open(half));
  EXPECT_FALSE(reader.next()) << "whole, it says, and is not";
}

}  // namespace
}  // namespace penstock::cql
