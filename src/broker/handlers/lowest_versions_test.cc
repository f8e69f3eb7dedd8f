// SPDX-License-Identifier: Apache-2.0
// A client that knows only the lowest version of everything: the encoder does not notice when a
// handler forgets what an old version is asked for or shows, so each is asked here once.
#include <zlib.h>

#include <concepts>
#include <set>

#include "broker/node_fixture.h"
#include "wire/kafka/served_apis.h"
#include "wire/kafka/served_requests.h"
#include "wire/kafka/traits.h"

namespace penstock::broker {
namespace {

// Every error in an answer, with the name of its field.
class Errors {
 public:
  template <class T, class... Options>
  void field(std::string_view name, const T& value, kafka::Versions, Options...) {
    look(name, value);
  }
  template <class T, class... Options>
  void bytes(std::string_view, const T&, kafka::Versions, Options...) {}
  template <class T, class... Options>
  void records(std::string_view, const T&, kafka::Versions, Options...) {}

  template <class Response>
  static std::vector<std::string> of(const Response& response) {
    Errors errors;
    errors.look("", response);
    return errors.found_;
  }

 private:
  template <class T>
  void look(std::string_view name, const T& value) {
    if constexpr (std::same_as<T, KafkaError>) {
      if (value != KafkaError::None) found_.push_back(fmt::format("{}: {}", name, value));
    } else if constexpr (kafka::kIsOptional<T>) {
      if (value) look(name, *value);
    } else if constexpr (kafka::kIsVector<T>) {
      for (const auto& each : value) look(name, each);
    } else if constexpr (kafka::Struct<T>) {
      T::walk(*this, value);
    }
  }
  std::vector<std::string> found_;
};

// A message as producers before 0.11 wrote it.
Bytes message(std::int8_t magic, std::string_view value) {
  Bytes covered;
  covered.push_back(static_cast<char>(magic));
  covered.push_back(0);
  if (magic == 1) append_be(covered, std::int64_t{1'700'000'000'000});
  append_be(covered, std::int32_t{-1});  // no key
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

class LowestVersions : public NodeFixture {
 protected:
  // Asks in the lowest version and expects no error anywhere in the answer.
  template <class Request>
  typename Request::Response ask(const Request& request) {
    asked_.insert(Request::api.key);
    const auto answer = client().ask(Request::api.versions.first, request);
    EXPECT_EQ(Errors::of(answer), std::vector<std::string>()) << Request::api.name;
    return answer;
  }
  std::set<std::int16_t> asked_;
};

TEST_F(LowestVersions, EveryApiAnswersWithoutError) {
  const TopicName users("users");
  const GroupId group("g");
  EXPECT_EQ(ask(kafka::ApiVersionsRequest{}).api_keys.size(), kafka::served_apis().size());

  kafka::CreateTopicsRequest create;
  create.topics = {{users, 1, 1, {}, {{"retention.ms", "60000"}}}};
  EXPECT_EQ(ask(create).topics.at(0).name, users);
  const auto metadata = ask(kafka::MetadataRequest{.topics = {{{users}}}});
  EXPECT_EQ(metadata.brokers.at(0).host, "broker.example");
  EXPECT_EQ(metadata.topics.at(0).partitions.at(0).leader_id, node->id());

  kafka::ProduceRequest produce;
  produce.acks = -1;
  const Bytes set = message(0, "one") + message(0, "two");
  produce.topics = {{users, {{PartitionId(0), set}}}};
  EXPECT_EQ(ask(produce).topics.at(0).partitions.at(0).base_offset, Offset(0));
  const auto fetched = ask(TestClient::fetch_request("users", 0)).topics.at(0).partitions.at(0);
  EXPECT_EQ(values_of(*fetched.records), (std::vector<std::string>{"one", "two"}));

  kafka::ListOffsetsRequest list;
  list.topics = {{users, {{PartitionId(0), kafka::kNoLeaderEpoch, -1, 1}}}};
  EXPECT_EQ(ask(list).topics.at(0).partitions.at(0).old_style_offsets, std::vector{Offset(2)});
  kafka::OffsetForLeaderEpochRequest epoch;
  epoch.topics = {{users, {{PartitionId(0), kafka::kNoLeaderEpoch, kafka::LeaderEpoch(0)}}}};
  EXPECT_EQ(ask(epoch).topics.at(0).partitions.size(), 1U);
  EXPECT_GE(ask(kafka::InitProducerIdRequest{}).producer_id, kafka::ProducerId(0));

  const auto coordinator = ask(kafka::FindCoordinatorRequest{.key = "g", .coordinator_keys = {}});
  EXPECT_EQ(coordinator.host, "broker.example");
  kafka::JoinGroupRequest join;
  join.group = group;
  join.session_timeout_ms = 10'000;
  join.protocol_type = "consumer";
  join.protocols = {{"range", "meta"}};
  const auto joined = ask(join);
  EXPECT_EQ(joined.leader, joined.member);
  kafka::SyncGroupRequest sync;
  sync.group = group;
  sync.generation = joined.generation;
  sync.member = joined.member;
  sync.assignments = {{joined.member, "all of it"}};
  EXPECT_EQ(ask(sync).assignment, "all of it");
  ask(kafka::HeartbeatRequest{group, joined.generation, joined.member, {}});

  kafka::OffsetCommitRequest commit;
  commit.group = group;
  commit.generation = joined.generation;
  commit.member = joined.member;
  commit.topics = {{users, {{PartitionId(0), Offset(1), {}, -1, "note"}}}};
  ask(commit);
  kafka::OffsetFetchRequest committed;
  committed.group = group;
  committed.topics = {{users, {PartitionId(0)}}};
  EXPECT_EQ(ask(committed).topics.at(0).partitions.at(0).offset, Offset(1));
  const auto described = ask(kafka::DescribeGroupsRequest{{group}}).groups.at(0);
  EXPECT_EQ(described.state, "Stable");
  EXPECT_EQ(described.members.at(0).member_assignment, "all of it");
  EXPECT_EQ(ask(kafka::ListGroupsRequest{}).groups.at(0).group, group);
  ask(kafka::LeaveGroupRequest{group, joined.member, {}});
  ask(kafka::DeleteGroupsRequest{{group}});

  kafka::DescribeConfigsRequest configs;
  configs.resources = {{kafka::ConfigResource::Topic, "users", std::nullopt}};
  const auto settings = ask(configs).resources.at(0).configs;
  for (const auto& [name, value, is_default] :
       {std::tuple("retention.ms", "60000", false), std::tuple("segment.ms", "604800000", true)}) {
    const auto setting =
        std::ranges::find(settings, name, &std::decay_t<decltype(settings[0])>::name);
    ASSERT_NE(setting, settings.end());
    EXPECT_EQ(setting->value, value);
    EXPECT_EQ(setting->is_default, is_default) << name;
  }
  EXPECT_EQ(ask(kafka::DescribeClusterRequest{}).brokers.size(), 1U);
  EXPECT_TRUE(ask(kafka::ListPartitionReassignmentsRequest{}).topics.empty());
  kafka::DeleteTopicsRequest remove;
  remove.topic_names = {users};
  EXPECT_EQ(ask(remove).topics.at(0).name, users);
  EXPECT_EQ(node->logs().find(users), nullptr);

  for (const kafka::Api& api : kafka::served_apis())
    EXPECT_TRUE(asked_.contains(api.key)) << api.name << " was not asked";
}

TEST_F(LowestVersions, MessageSetsOfOldProducersAreReadAsRecordBatches) {
  auto& c = client();
  c.create("users");
  std::int64_t offset = 0;
  std::vector<std::string> sent;
  for (const std::int8_t magic : {std::int8_t{0}, std::int8_t{1}}) {
    for (std::int16_t version = 0; version <= 2; ++version) {
      sent.push_back(fmt::format("magic {} by Produce v{}", magic, version));
      const auto produced = c.produce("users", message(magic, sent.back()), -1, version);
      EXPECT_EQ(produced.error, KafkaError::None);
      EXPECT_EQ(produced.base_offset, Offset(offset++));
    }
  }
  EXPECT_EQ(values_of(*c.fetch("users", 0).records), sent);
  Bytes torn = message(1, "torn");
  torn.back() ^= 1;
  EXPECT_EQ(c.produce("users", torn, -1, 2).error, KafkaError::CorruptMessage);
  // From version 3 on there is nothing to convert.
  EXPECT_NE(c.produce("users", message(1, "late"), -1, 3).error, KafkaError::None);
}

TEST_F(LowestVersions, ListOffsetsBeforeVersion1AnswersAListOfOffsets) {
  auto& c = client();
  c.create("users");
  c.produce("users", batch_of({"a", "b", "c"}));  // at ...000, 001, 002
  const auto offsets = [&](std::int64_t timestamp, std::int32_t offsets_max) {
    kafka::ListOffsetsRequest request;
    request.topics = {
        {TopicName("users"), {{PartitionId(0), kafka::kNoLeaderEpoch, timestamp, offsets_max}}}};
    return c.ask(0, request).topics.at(0).partitions.at(0).old_style_offsets;
  };
  EXPECT_EQ(offsets(-1, 1), std::vector{Offset(3)});
  EXPECT_EQ(offsets(-2, 1), std::vector{Offset(0)});
  EXPECT_EQ(offsets(1'700'000'000'001, 5), std::vector{Offset(1)});
  EXPECT_EQ(offsets(1'800'000'000'000, 1), std::vector<Offset>());
  EXPECT_EQ(offsets(-1, 0), std::vector<Offset>());
}

TEST_F(LowestVersions, CreateTopicsBeforeItsAnswerHadSettings) {
  for (std::int16_t version = 0; version <= 4; ++version) {
    kafka::CreateTopicsRequest request;
    const TopicName name(fmt::format("v{}", version));
    request.topics = {{name, 2, 1, {}, {}}, {TopicName("no/slash"), 1, 1, {}, {}}};
    const auto topics = client().ask(version, request).topics;
    EXPECT_EQ(topics.at(0).error, KafkaError::None);
    EXPECT_EQ(topics.at(1).error, KafkaError::InvalidTopic);
    EXPECT_EQ(topics.at(1).error_message.has_value(), version >= 1);
    ASSERT_NE(node->logs().find(name), nullptr);
    EXPECT_EQ(node->logs().find(name)->partitions, 2);
  }
}

}  // namespace
}  // namespace penstock::broker
