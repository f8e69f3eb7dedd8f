// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/frame.h"

#include "wire/kafka/served_apis.h"
#include "wire/kafka/served_requests.h"

namespace penstock::kafka {
namespace {

Bytes frame_of(BytesView body) {
  Bytes frame;
  append_be(frame, static_cast<std::int32_t>(body.size()));
  return frame.append(body);
}

TEST(FrameSize, IsUnknownUntilTheLengthIsThere) {
  EXPECT_EQ(frame_size(BytesView("\0\0\0", 3)).value(), 0u);
  EXPECT_EQ(frame_size(BytesView("\0\0\0\x05", 4)).value(), 9u);
}

TEST(FrameSize, NegativeAndOversizeLengthsAreRefused) {
  EXPECT_EQ(frame_size("\xff\xff\xff\xff").error().code, Code::InvalidArgument);
  EXPECT_EQ(frame_size("\x7f\xff\xff\xff").error().code, Code::TooLarge);
}

TEST(FrameSize, ATlsHelloIsNamed) {
  const auto refused = frame_size(BytesView("\x16\x03\x01\x02", 4));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("TLS"), std::string::npos);
  EXPECT_NE(frame_size("GET / HTTP/1.1").error().message.find("HTTP"), std::string::npos);
}

TEST(RequestFrame, ClientIdStaysClassicInFlexibleHeaders) {
  const auto bytes =
      encode_request(CorrelationId(7), 4, "me", HeartbeatRequest{.group = GroupId("g")});
  ASSERT_TRUE(bytes);
  EXPECT_EQ(hex(BytesView(*bytes).substr(4, 13)), "00 0c 00 04 00 00 00 07 00 02 6d 65 00");
  EXPECT_EQ(frame_size(*bytes).value(), bytes->size());

  const auto frame = open_request(*bytes);
  ASSERT_TRUE(frame);
  EXPECT_TRUE(frame->served());
  EXPECT_EQ(frame->api->name, "Heartbeat");
  EXPECT_EQ(frame->header.client_id, "me");
  EXPECT_EQ(frame->header.correlation, CorrelationId(7));
  EXPECT_EQ(decode_request<HeartbeatRequest>(*frame)->group, GroupId("g"));
}

TEST(RequestFrame, AVersionOfTheFutureOpensButIsNotServed) {
  Bytes bytes = frame_of(BytesView("\x00\x12\x00\x63\x00\x00\x00\x01\xff\xff garbage", 18));
  const auto frame = open_request(bytes);
  ASSERT_TRUE(frame);
  EXPECT_FALSE(frame->served());
  EXPECT_EQ(frame->api->name, "ApiVersions");
  EXPECT_EQ(frame->header.client_id, std::nullopt);
}

TEST(RequestFrame, AnUnknownKeyOpensButIsNotServed) {
  const auto frame =
      open_request(frame_of(BytesView("\x03\xe8\x00\x00\x00\x00\x00\x01\xff\xff", 10)));
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->api, nullptr);
  EXPECT_FALSE(frame->served());
}

TEST(RequestFrame, CutAnywhereInTheHeaderIsRefused) {
  const auto bytes = encode_request(CorrelationId(7), 4, "me", HeartbeatRequest{});
  for (std::size_t size = 0; size < 17; ++size)
    EXPECT_FALSE(open_request(BytesView(*bytes).substr(0, size))) << size;
}

TEST(RequestFrame, BytesAfterTheMessageAreIgnored) {
  Bytes bytes =
      encode_request(CorrelationId(7), 0, "me", HeartbeatRequest{.group = GroupId("g")}).value();
  bytes += "more";
  EXPECT_TRUE(decode_request<HeartbeatRequest>(open_request(bytes).value()));
}

TEST(RequestFrame, ABrokenBodyNamesTheApiAndTheField) {
  Bytes bytes =
      encode_request(CorrelationId(7), 0, "me", HeartbeatRequest{.group = GroupId("g")}).value();
  bytes.resize(bytes.size() - 2);
  const auto request = decode_request<HeartbeatRequest>(open_request(bytes).value());
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().message, "Heartbeat request v0: MemberId does not fit");
}

TEST(ResponseFrame, FlexibleVersionsHaveATaggedSectionInTheHeader) {
  EXPECT_EQ(hex(encode_response(CorrelationId(9), 4, HeartbeatResponse{}).value()),
            "00 00 00 0c 00 00 00 09 00 00 00 00 00 00 00 00");
  EXPECT_EQ(hex(encode_response(CorrelationId(9), 0, HeartbeatResponse{}).value()),
            "00 00 00 06 00 00 00 09 00 00");
}

TEST(ResponseFrame, ApiVersionsKeepsTheOldHeader) {
  const Bytes bytes = encode_response(CorrelationId(9), 3, ApiVersionsResponse{}).value();
  EXPECT_EQ(hex(bytes), "00 00 00 0c 00 00 00 09 00 00 01 00 00 00 00 00");
  EXPECT_EQ(decode_response<ApiVersionsResponse>(bytes, 3).value(), ApiVersionsResponse{});
}

TEST(ResponseFrame, AnUnsupportedApiVersionsGetsTheWholeTableInVersion0) {
  const Bytes bytes = encode_response(CorrelationId(1), 0, unsupported_api_versions()).value();
  const auto back = decode_response<ApiVersionsResponse>(bytes, 0).value();
  EXPECT_EQ(back.error, KafkaError::UnsupportedVersion);
  EXPECT_EQ(back.api_keys.size(), ServedApis::kSize);
}

TEST(ResponseFrame, PiecesJoinToTheSameFrameAndMoveLargeRecords) {
  for (const std::int16_t version : std::initializer_list<std::int16_t>{4, 11, 12}) {
    FetchResponse response;
    auto& partitions = response.topics.emplace_back().partitions;
    for (const std::size_t size : {10u, 100'000u, 5'000u}) {
      partitions.emplace_back().records = Bytes(size, static_cast<char>('a' + partitions.size()));
    }
    const Bytes whole = encode_response(CorrelationId(3), version, response).value();
    const char* const large = response.topics[0].partitions[1].records->data();
    const auto pieces =
        encode_response_pieces(CorrelationId(3), version, std::move(response)).value();
    ASSERT_EQ(pieces.size(), 5u);
    EXPECT_EQ(pieces[1].data(), large);
    Bytes joined;
    for (const Bytes& piece : pieces) joined += piece;
    EXPECT_EQ(joined, whole) << version;
  }
}

TEST(ServedApis, DispatchFindsTheTypeOfAKey) {
  std::string found;
  EXPECT_TRUE(ServedApis::with_key(11, [&]<class Request>() { found = Request::api.name; }));
  EXPECT_EQ(found, "JoinGroup");
  EXPECT_FALSE(ServedApis::with_key(999, [&]<class Request>() { found = "none"; }));
}

TEST(ServedApis, OldLibrdkafkaFindsTheVersionsItTestsFor) {
  // librdkafka before 2.11 turns features off unless these versions lie inside our ranges.
  const auto serves = [](std::int16_t key, std::int16_t version) {
    return find_api(key)->versions.contains(version);
  };
  EXPECT_TRUE(serves(0, 0) && serves(0, 3) && serves(0, 7));  // Produce: compression, magic 2, zstd
  EXPECT_TRUE(serves(1, 4) && serves(1, 10));                 // Fetch: magic 2, zstd
  EXPECT_TRUE(serves(2, 1));                                  // ListOffsets: times
  EXPECT_TRUE(serves(8, 1) && serves(8, 2) && serves(9, 1));  // offsets in the broker
  EXPECT_TRUE(serves(10, 0) && serves(11, 0) && serves(12, 0) && serves(13, 0) && serves(14, 0));
  EXPECT_TRUE(serves(18, 0) && serves(22, 0));
}

TEST(ServedApis, TheMarkdownTableHasALineForEach) {
  EXPECT_NE(served_apis_markdown().find("| 1 | Fetch | 4-12 | 12 |"), std::string::npos);
}

}  // namespace
}  // namespace penstock::kafka
