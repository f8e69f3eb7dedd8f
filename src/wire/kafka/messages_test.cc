// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <memory>

#include "wire/kafka/arbitrary.h"
#include "wire/kafka/decoder.h"
#include "wire/kafka/encoder.h"
#include "wire/kafka/printer.h"
#include "wire/kafka/served_requests.h"

namespace penstock::kafka {
namespace {

// Bytes in a heap block of exactly their size, so that a sanitizer sees each read beyond them.
class Exact {
 public:
  explicit Exact(BytesView bytes) : block_(new char[bytes.size()]), size_(bytes.size()) {
    std::copy(bytes.begin(), bytes.end(), block_.get());
  }
  BytesView view() const { return {block_.get(), size_}; }

 private:
  std::unique_ptr<char[]> block_;
  std::size_t size_;
};

// Calls f<Message>(version) for each message and each version that we serve.
template <class F>
void for_each_message(F&& f) {
  ServedApis::for_each([&]<class Request>() {
    for (std::int16_t v = Request::api.versions.first; v <= Request::api.versions.last; ++v) {
      f.template operator()<Request>(v, "request");
      f.template operator()<typename Request::Response>(v, "response");
    }
  });
}

template <class Message>
Bytes encoded(const Message& message, std::int16_t version) {
  Bytes bytes;
  const auto done = encode_message(bytes, version, Message::api.flexible(version), message);
  EXPECT_TRUE(done) << done.error().message;
  return bytes;
}

TEST(Messages, EveryVersionOfEveryMessageComesBackAsItWasSent) {
  int messages = 0;
  for_each_message([&]<class Message>(std::int16_t version, const char* direction) {
    SCOPED_TRACE(fmt::format("{} {} v{}", Message::api.name, direction, version));
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      Arbitrary arbitrary(seed, version);
      Message message;
      arbitrary.object(message);
      const Exact bytes(encoded(message, version));
      const auto back =
          decode_message<Message>(bytes.view(), version, Message::api.flexible(version));
      ASSERT_TRUE(back) << "seed " << seed << ": " << back.error().message;
      ASSERT_EQ(*back, message) << "seed " << seed << "\n"
                                << print(*back) << "\n"
                                << print(message);
    }
    ++messages;
  });
  EXPECT_GT(messages, 200);
}

TEST(Messages, BytesCutAnywhereAreRefusedOrEndBeforeTheTaggedSection) {
  for_each_message([&]<class Message>(std::int16_t version, const char* direction) {
    SCOPED_TRACE(fmt::format("{} {} v{}", Message::api.name, direction, version));
    Arbitrary arbitrary(7, version);
    Message message;
    arbitrary.object(message);
    const Bytes whole = encoded(message, version);
    const std::size_t step = whole.size() / 500 + 1;
    for (std::size_t size = 0; size < whole.size(); size += step) {
      const Exact cut(BytesView(whole).substr(0, size));
      ASSERT_FALSE(decode_message<Message>(cut.view(), version, Message::api.flexible(version)))
          << size;
    }
  });
}

TEST(Messages, FlippedBytesNeverReadBeyondTheMessage) {
  std::mt19937_64 random(11);
  for_each_message([&]<class Message>(std::int16_t version, const char*) {
    Arbitrary arbitrary(random(), version);
    Message message;
    arbitrary.object(message);
    const Bytes whole = encoded(message, version);
    for (int i = 0; i < 20 && !whole.empty(); ++i) {
      Bytes damaged = whole;
      damaged[random() % damaged.size()] = static_cast<char>(random());
      const Exact exact(damaged);
      static_cast<void>(
          decode_message<Message>(exact.view(), version, Message::api.flexible(version)));
    }
  });
}

TEST(Messages, TheLayoutOfAnOffsetCommitIsKafkas) {
  OffsetCommitRequest request;
  request.group = GroupId("g");
  request.generation = Generation(5);
  request.member = MemberId("m");
  request.topics.push_back(
      {.name = TopicName("t"), .partitions = {{.id = PartitionId(1), .offset = Offset(9)}}});
  EXPECT_EQ(hex(encoded(request, 2)),
            "00 01 67 00 00 00 05 00 01 6d ff ff ff ff ff ff ff ff 00 00 00 01 00 01 74 00 00 00 "
            "01 00 00 00 01 00 00 00 00 "
            "00 00 00 09 ff ff");
  // v8 is flexible: compact lengths, a tagged section after each struct, a leader epoch, an
  // instance id.
  EXPECT_EQ(hex(encoded(request, 8)),
            "02 67 00 00 00 05 02 6d 00 02 02 74 02 00 00 00 01 00 00 00 00 00 00 00 09 ff ff ff "
            "ff 00 00 00 00");
}

TEST(Messages, ARequestRefusesWhatItsVersionCannotSay) {
  OffsetFetchRequest request;
  request.group = GroupId("g");
  request.topics.emplace();
  request.require_stable = true;
  Bytes bytes;
  const auto done = encode_message(bytes, 5, false, request);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "RequireStable cannot be said in version 5");
}

TEST(Messages, ARequestRefusesNullWhereItsVersionHasNone) {
  Bytes bytes;
  const auto done = encode_message(bytes, 0, false, MetadataRequest{});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "Topics must not be null in version 0");
}

TEST(Messages, AResponseDropsWhatItsVersionCannotSay) {
  MetadataResponse response;
  response.cluster_authorized_operations = 3;
  response.cluster_id = "c";
  Bytes bytes;
  ASSERT_TRUE(encode_message(bytes, 0, false, response, Unsaid::Drop));
  EXPECT_EQ(hex(bytes), "00 00 00 00 00 00 00 00");
}

TEST(Messages, ATextTooLongForAClassicVersionIsAnError) {
  HeartbeatRequest request;
  request.group = GroupId(std::string(40'000, 'g'));
  Bytes bytes;
  EXPECT_FALSE(encode_message(bytes, 3, false, request));
  bytes.clear();
  EXPECT_TRUE(encode_message(bytes, 4, true, request));
}

TEST(Messages, UnknownTaggedFieldsAreSkipped) {
  Bytes bytes = encoded(HeartbeatRequest{.group = GroupId("g"), .member = MemberId("m")}, 4);
  ASSERT_EQ(bytes.back(), 0);
  bytes.pop_back();
  bytes += BytesView(
      "\x02\x05\x03"
      "abc"
      "\x80\x01\x00",
      9);  // tag 5 with 3 bytes, tag 128 with none
  const auto back = decode_message<HeartbeatRequest>(bytes, 4, true);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->member, MemberId("m"));
}

TEST(Messages, ATaggedFieldIsWrittenOnlyWhenItSaysSomething) {
  FetchRequest request;
  const Bytes without = encoded(request, 12);
  EXPECT_EQ(without.back(), 0);
  request.cluster_id = "c1";
  const Bytes with = encoded(request, 12);
  EXPECT_EQ(hex(BytesView(with).substr(with.size() - 6)), "01 00 03 03 63 31");
}

TEST(Messages, ATaggedFieldThatLeavesBytesIsRefused) {
  FetchRequest request;
  request.cluster_id = "c1";
  Bytes bytes = encoded(request, 12);
  bytes[bytes.size() - 4] = 4;  // one byte more than the string has
  bytes += 'x';
  EXPECT_FALSE(decode_message<FetchRequest>(bytes, 12, true));
}

TEST(Messages, AnArrayThatClaimsMoreThanThereIsGetsNoMemory) {
  Bytes bytes;
  append_be(bytes, std::int32_t{INT32_MAX});
  const auto back = decode_message<MetadataRequest>(bytes, 1, false);
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().message, "Topics claims more elements than there are bytes");
}

TEST(Messages, TheNumberOfElementsInAMessageIsBounded) {
  Bytes bytes;
  append_be(bytes, static_cast<std::int32_t>(Decoder::kElementsMax + 1));
  bytes.append((Decoder::kElementsMax + 1) * 2, '\0');
  EXPECT_FALSE(decode_message<MetadataRequest>(bytes, 1, false));
}

TEST(Messages, RecordsAreViewsIntoTheBytes) {
  ProduceRequest request;
  request.topics.push_back(
      {.name = TopicName("t"), .partitions = {{.id = PartitionId(0), .records = "records"}}});
  const Bytes bytes = encoded(request, 9);
  const auto back = decode_message<ProduceRequest>(bytes, 9, true);
  ASSERT_TRUE(back);
  const BytesView records = back->topics.at(0).partitions.at(0).records.value();
  EXPECT_EQ(records, "records");
  EXPECT_GE(records.data(), bytes.data());
  EXPECT_LT(records.data(), bytes.data() + bytes.size());
}

TEST(Messages, PrintShowsNamesAndHidesBytes) {
  JoinGroupRequest request;
  request.group = GroupId("g");
  request.protocols.push_back({.name = "range", .metadata = "secret"});
  const std::string text = print(request);
  EXPECT_NE(text.find(R"(GroupId: "g")"), std::string::npos) << text;
  EXPECT_NE(text.find(R"(Protocols: [{Name: "range", Metadata: <6 bytes>}])"), std::string::npos)
      << text;
}

TEST(KafkaErrors, KnowTheirNamesAndWhoRetries) {
  EXPECT_EQ(name(KafkaError::UnknownServerError), "UNKNOWN_SERVER_ERROR");
  EXPECT_EQ(name(KafkaError::RebootstrapRequired), "REBOOTSTRAP_REQUIRED");
  EXPECT_EQ(name(static_cast<KafkaError>(9999)), "UNKNOWN_ERROR_CODE");
  EXPECT_TRUE(retriable(KafkaError::NotLeaderOrFollower));
  EXPECT_FALSE(retriable(KafkaError::MessageTooLarge));
  EXPECT_EQ(fmt::format("{}", KafkaError::None), "NONE");
}

}  // namespace
}  // namespace penstock::kafka
