// SPDX-License-Identifier: Apache-2.0
#include "wire/cql/frame.h"

#include <gtest/gtest.h>

#include "wire/cql/errors.h"

namespace penstock::cql {
namespace {

TEST(Frame, HeaderIsReadOnceAllNineBytesAreThere) {
  const Bytes options("\x04\x00\x00\x01\x05\x00\x00\x00\x02hi", 11);
  for (std::size_t i = 1; i < kHeaderBytes; ++i)
    EXPECT_EQ(*request_frame_size(BytesView(options).substr(0, i)), 0);
  EXPECT_EQ(*request_frame_size(options), 11);
  const Frame frame = *parse_frame(options);
  EXPECT_EQ(frame.header.version, 4);
  EXPECT_EQ(frame.header.stream, 1);
  EXPECT_EQ(frame.header.opcode, Opcode::Options);
  EXPECT_EQ(frame.body, "hi");
}

TEST(Frame, OtherVersionsAreRefusedByTheirFirstByte) {
  for (const int version : {0, 1, 2, 5, 6, 0x41, 0x42}) {
    const auto size = request_frame_size(Bytes(1, static_cast<char>(version)));
    ASSERT_FALSE(size);
    EXPECT_EQ(size.error().code, Code::Unsupported);
  }
  EXPECT_FALSE(request_frame_size("\x84"));   // a response
  EXPECT_FALSE(response_frame_size("\x04"));  // a request
  EXPECT_FALSE(response_frame_size("HTTP/1.1"));
  EXPECT_EQ(*response_frame_size(Bytes("\x85\0\0\0\0\0\0\0\0", 9)), 9);
  EXPECT_EQ(*envelope_size(Bytes("\x05\0\0\0\0\0\0\0\0", 9)), 9);
}

TEST(Frame, AnnouncedBodyOverTheProtocolsLimitIsRefused) {
  EXPECT_EQ(request_frame_size(Bytes("\x04\0\0\0\7\x7f\xff\xff\xff", 9)).error().code,
            Code::TooLarge);
}

TEST(Frame, UnsupportedVersionSaysWhatDriversLookFor) {
  const Bytes answer = unsupported_version(Bytes("\x42\x00\x00\x07\x05", 5));
  ASSERT_EQ(*response_frame_size(answer), answer.size());
  const Frame frame = *parse_frame(answer);
  EXPECT_EQ(frame.header.version, 4);
  EXPECT_EQ(frame.header.stream, 7);
  const ErrorResponse error = *decode_error(frame.body, 4);
  EXPECT_EQ(error.code, ErrorCode::ProtocolError);
  EXPECT_EQ(error.message,
            "Invalid or unsupported protocol version (66); supported versions are (3/v3, 4/v4)");
}

TEST(Frame, OldClientsGetTheRefusalInTheirShortHeader) {
  const Bytes answer = unsupported_version(Bytes("\x02\x00\x05\x05\0\0\0\0", 8));
  EXPECT_EQ(static_cast<std::uint8_t>(answer[0]), 0x82);
  EXPECT_EQ(answer[2], 5);
  EXPECT_EQ(answer[3], 0);  // ERROR
  EXPECT_EQ(load_be<std::uint32_t>(answer.data() + 4), answer.size() - 8);
}

TEST(Frame, AWholeFrameIsPackedLaterIfItGainsByIt) {
  const auto frame = [](std::size_t body_bytes) {
    auto writer = FrameWriter::request(4, 3, Opcode::Query);
    writer.body().raw(Bytes(body_bytes, 'x'));
    return std::move(writer).finish();
  };
  EXPECT_EQ(packed_frame(frame(100), Compression::Lz4), frame(100));
  EXPECT_EQ(packed_frame(frame(1000), Compression::None), frame(1000));
  const Bytes packed = packed_frame(frame(1000), Compression::Lz4);
  EXPECT_LT(packed.size(), 100);
  EXPECT_EQ(*request_frame_size(packed), packed.size());
  Bytes scratch;
  EXPECT_EQ(*unpacked_body(*parse_frame(packed), Compression::Lz4, scratch), Bytes(1000, 'x'));
  EXPECT_EQ(packed_frame(packed, Compression::Lz4), packed);
}

TEST(Frame, CompressedBodiesComeBackAndShortOnesStayPlain) {
  const Bytes text(10'000, 'x');
  for (const Compression compression : {Compression::Lz4, Compression::Snappy}) {
    FrameWriter writer = FrameWriter::request(4, 3, Opcode::Query);
    writer.body().raw(text);
    const Bytes bytes = std::move(writer).finish(compression);
    EXPECT_LT(bytes.size(), 1'000);
    Bytes scratch;
    EXPECT_EQ(*unpacked_body(*parse_frame(bytes), compression, scratch), text);
    EXPECT_EQ(unpacked_body(*parse_frame(bytes), Compression::None, scratch).error().code,
              Code::Corrupt);
    EXPECT_EQ(unpacked_body(*parse_frame(bytes), compression, scratch, 9'999).error().code,
              Code::TooLarge);
    FrameWriter tiny = FrameWriter::request(4, 3, Opcode::Query);
    tiny.body().raw("x");
    EXPECT_EQ(parse_frame(std::move(tiny).finish(compression))->header.flags, 0);
  }
}

TEST(Frame, LyingCompressedLengthCostsNoMemory) {
  Frame frame;
  frame.header.flags = frame_flag::kCompressed;
  frame.body = BytesView("\x0f\xff\xff\xff\x00\x00", 6);
  Bytes scratch;
  EXPECT_EQ(unpacked_body(frame, Compression::Lz4, scratch).error().code, Code::Corrupt);
  EXPECT_LT(scratch.capacity(), 1'000);
  frame.body = BytesView("\xff\xff\xff\x7f\x00", 5);
  EXPECT_EQ(unpacked_body(frame, Compression::Snappy, scratch).error().code, Code::Corrupt);
}

TEST(Frame, PrefixTravelsBeforeTheBody) {
  BodyPrefix prefix;
  prefix.tracing_id = Uuid::random();
  prefix.warnings = {"slow"};
  prefix.custom_payload = {{"a", Bytes("1")}, {"b", std::nullopt}};
  FrameWriter writer = FrameWriter::response(4, 3, Opcode::Result);
  writer.prefix(prefix);
  writer.body().raw("body");
  const Bytes bytes = std::move(writer).finish();
  const Frame frame = *parse_frame(bytes);
  BytesView body = frame.body;
  const BodyPrefix back = *take_prefix(frame.header, body);
  EXPECT_EQ(back.tracing_id, prefix.tracing_id);
  EXPECT_EQ(back.warnings, prefix.warnings);
  EXPECT_EQ(back.custom_payload, prefix.custom_payload);
  EXPECT_EQ(body, "body");
}

}  // namespace
}  // namespace penstock::cql
