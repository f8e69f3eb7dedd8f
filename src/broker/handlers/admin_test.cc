// SPDX-License-Identifier: Apache-2.0
// ApiVersions, Metadata, topics and their configs, limits of a connection.
#include <algorithm>

#include "broker/node_fixture.h"
#include "wire/kafka/messages/api_versions.h"
#include "wire/kafka/messages/create_topics.h"
#include "wire/kafka/messages/delete_groups.h"
#include "wire/kafka/messages/delete_topics.h"
#include "wire/kafka/messages/describe_cluster.h"
#include "wire/kafka/messages/describe_configs.h"
#include "wire/kafka/messages/fetch.h"
#include "wire/kafka/messages/find_coordinator.h"
#include "wire/kafka/messages/list_partition_reassignments.h"
#include "wire/kafka/messages/metadata.h"
#include "wire/kafka/messages/offset_commit.h"
#include "wire/kafka/messages/produce.h"
#include "wire/kafka/served_apis.h"

namespace penstock::broker {
namespace {

using Admin = NodeFixture;

TEST_F(Admin, UnknownApiVersionsVersionIsAnsweredInTheOldestLayout) {
  auto& c = client();
  c.deliver(kafka::encode_request(kafka::CorrelationId(1), 99, "new",
                                  kafka::ApiVersionsRequest{"new", "9"})
                .value());
  const auto answer = c.receive<kafka::ApiVersionsRequest>(0);
  EXPECT_EQ(answer.error, KafkaError::UnsupportedVersion);
  const auto self =
      std::ranges::find(answer.api_keys, 18, &kafka::ApiVersionsResponse::ApiRange::key);
  ASSERT_NE(self, answer.api_keys.end());
  EXPECT_EQ(self->max_version, 3);
  EXPECT_TRUE(c.connection.open);
}

TEST_F(Admin, ApiVersionsChecksTheNameOfTheSoftware) {
  EXPECT_EQ(client().ask(3, kafka::ApiVersionsRequest{"apache-kafka-java", "3.4.1"}).error,
            KafkaError::None);
  EXPECT_EQ(client().ask(3, kafka::ApiVersionsRequest{"-bad", "1"}).error,
            KafkaError::InvalidRequest);
  EXPECT_EQ(client().ask(0, kafka::ApiVersionsRequest{}).api_keys.size(),
            kafka::served_apis().size());
}

TEST_F(Admin, WhatIsNotServedEndsTheConnection) {
  for (const auto& [key, version] : {std::pair(99, 0), std::pair(0, 42)}) {
    auto& c = client();
    Bytes frame;
    kafka::begin_request(frame, kafka::ProduceRequest::api,
                         {static_cast<std::int16_t>(key), static_cast<std::int16_t>(version),
                          kafka::CorrelationId(1), "odd"});
    ASSERT_TRUE(kafka::end_frame(frame, frame.size()));
    c.deliver(frame);
    EXPECT_FALSE(c.connection.open);
  }
  auto& c = client();
  Bytes garbled =
      kafka::encode_request(kafka::CorrelationId(1), 9, "odd", kafka::MetadataRequest{}).value();
  garbled[garbled.size() - 5] = '\x7f';
  garbled.resize(garbled.size() - 2);
  ASSERT_TRUE(kafka::end_frame(garbled, garbled.size()));
  c.deliver(garbled);
  EXPECT_FALSE(c.connection.open);
}

TEST_F(Admin, MetadataShowsTheAddressOfTheListenerThatWasAsked) {
  kafka::MetadataRequest all;
  EXPECT_EQ(client({"outside.example", 9092}).ask(9, all).brokers.at(0).host, "outside.example");
  EXPECT_EQ(client({"broker", 29092}).ask(1, all).brokers.at(0).port, 29092);
  EXPECT_EQ(client({"", 9092}).ask(9, all).brokers.at(0).host,
            "127.0.0.1");  // as it was connected to
}

TEST_F(Admin, MetadataCreatesTopicsOnlyForWhoMayAndOnlyValidOnes) {
  kafka::MetadataRequest request;
  request.topics = {{{TopicName("users")}, {TopicName("bad name")}}};
  request.allow_auto_topic_creation = false;
  auto answer = client().ask(9, request);
  EXPECT_EQ(answer.topics.at(0).error, KafkaError::UnknownTopicOrPartition);
  EXPECT_EQ(answer.topics.at(1).error, KafkaError::InvalidTopic);

  request.allow_auto_topic_creation = true;
  answer = client().ask(9, request);
  EXPECT_EQ(answer.topics.at(0).error, KafkaError::None);
  ASSERT_EQ(answer.topics.at(0).partitions.size(), 1U);
  EXPECT_EQ(answer.topics.at(0).partitions[0].leader_id, node->id());
  crash();
  EXPECT_EQ(
      client()
          .ask(0, kafka::MetadataRequest{.topics = std::vector<kafka::MetadataRequest::Topic>{}})
          .topics.size(),
      1U);
  EXPECT_EQ(
      client()
          .ask(1, kafka::MetadataRequest{.topics = std::vector<kafka::MetadataRequest::Topic>{}})
          .topics.size(),
      0U);
}

class NoAutoCreation : public NodeFixture {
 protected:
  NoAutoCreation() { config.auto_create_topics_enable = false; }
};

TEST_F(NoAutoCreation, MissingTopicStaysMissing) {
  kafka::MetadataRequest request;
  request.topics = {{{TopicName("users")}}};
  EXPECT_EQ(client().ask(1, request).topics.at(0).error, KafkaError::UnknownTopicOrPartition);
}

TEST_F(Admin, CreateTopicsValidates) {
  auto& c = client();
  EXPECT_EQ(c.create("users", 3).num_partitions, 3);
  EXPECT_EQ(c.create("users", 3).error, KafkaError::TopicAlreadyExists);
  EXPECT_EQ(c.create("no/slash").error, KafkaError::InvalidTopic);
  EXPECT_EQ(c.create("zero", 0).error, KafkaError::InvalidPartitions);
  EXPECT_EQ(c.create("huge", INT32_MAX).error, KafkaError::InvalidPartitions);
  EXPECT_EQ(c.create("default", -1).num_partitions, 1);
  EXPECT_EQ(c.create("three", 1, {}, 3).replication_factor, 1);  // coerced
  EXPECT_EQ(c.create("none", 1, {}, 0).error, KafkaError::InvalidReplicationFactor);
  EXPECT_EQ(c.create("typo", 1, {{"retention.msec", "1"}}).error, KafkaError::InvalidConfig);
  EXPECT_EQ(c.create("word", 1, {{"retention.ms", "soon"}}).error, KafkaError::InvalidConfig);
  EXPECT_EQ(c.create("null", 1, {{"retention.ms", std::nullopt}}).error, KafkaError::InvalidConfig);

  kafka::CreateTopicsRequest request;
  request.topics = {{TopicName("twice"), 1, 1, {}, {}}, {TopicName("twice"), 1, 1, {}, {}}};
  auto answer = c.ask(7, request);
  ASSERT_EQ(answer.topics.size(), 1U);
  EXPECT_EQ(answer.topics[0].error, KafkaError::InvalidRequest);

  request.topics = {{TopicName("dry"), 2, 1, {}, {}}};
  request.validate_only = true;
  EXPECT_EQ(c.ask(7, request).topics[0].error, KafkaError::None);
  EXPECT_EQ(node->logs().find(TopicName("dry")), nullptr);

  request.validate_only = false;
  request.topics = {{TopicName("byhand"),
                     -1,
                     -1,
                     {{PartitionId(0), {node->id()}}, {PartitionId(1), {node->id()}}},
                     {}},
                    {TopicName("elsewhere"), -1, -1, {{PartitionId(0), {kafka::BrokerId(7)}}}, {}}};
  answer = c.ask(7, request);
  EXPECT_EQ(answer.topics[0].num_partitions, 2);
  EXPECT_EQ(answer.topics[1].error, KafkaError::InvalidReplicaAssignment);
}

TEST_F(Admin, TopicConfigsAreEchoedWholeAndSurviveARestart) {
  client().create("users", 1, {{"cleanup.policy", "compact"}, {"min.insync.replicas", "2"}});
  crash();
  kafka::DescribeConfigsRequest request;
  request.resources = {{kafka::ConfigResource::Topic, "users", std::nullopt}};
  request.include_synonyms = true;
  const auto all = client().ask(4, request).resources.at(0);
  EXPECT_EQ(all.error, KafkaError::None);
  EXPECT_GT(all.configs.size(), 20U);
  const auto policy =
      std::ranges::find(all.configs, "cleanup.policy", &decltype(all.configs)::value_type::name);
  ASSERT_NE(policy, all.configs.end());
  EXPECT_EQ(policy->value, "compact");
  EXPECT_EQ(policy->config_source, kafka::ConfigSource::Topic);
  EXPECT_EQ(policy->synonyms.size(), 2U);

  request.resources = {
      {kafka::ConfigResource::Topic, "users", std::vector<std::string>{"retention.ms"}},
      {kafka::ConfigResource::Topic, "missing", std::nullopt},
      {kafka::ConfigResource::Broker, "1", std::nullopt},
      {kafka::ConfigResource::Broker, "2", std::nullopt}};
  const auto some = client().ask(1, request).resources;
  ASSERT_EQ(some.at(0).configs.size(), 1U);
  EXPECT_EQ(some[0].configs[0].value, "604800000");
  EXPECT_EQ(some.at(1).error, KafkaError::UnknownTopicOrPartition);
  EXPECT_GT(some.at(2).configs.size(), 20U);
  EXPECT_EQ(some.at(3).error, KafkaError::InvalidRequest);
}

TEST_F(Admin, DeletedTopicIsGoneAlsoAfterACrashAndItsNameIsFree) {
  auto id = client().create("users").topic_id;
  client().produce("users", batch_of({"old"}));
  kafka::DeleteTopicsRequest request;
  request.topics = {{std::nullopt, id}};
  EXPECT_EQ(client().ask(6, request).topics.at(0).error, KafkaError::None);
  EXPECT_EQ(client().ask(6, request).topics.at(0).error, KafkaError::UnknownTopicId);
  crash();
  request.topics.clear();
  request.topic_names = {TopicName("users"), TopicName("__consumer_offsets")};
  EXPECT_EQ(client().ask(5, request).topics.at(0).error, KafkaError::UnknownTopicOrPartition);
  EXPECT_EQ(client().create("users").error, KafkaError::None);
  EXPECT_EQ(client().fetch("users", 0).high_watermark, Offset(0));
}

TEST_F(Admin, TransactionsAreRefusedWithTheReason) {
  kafka::FindCoordinatorRequest request;
  request.coordinator_keys = {"t"};
  request.key_type = kafka::CoordinatorType::Transaction;
  const auto answer = client().ask(4, request).coordinators.at(0);
  EXPECT_EQ(answer.error, KafkaError::UnsupportedVersion);
  EXPECT_NE(answer.error_message->find("transactions are not offered"), std::string::npos);
}

TEST_F(Admin, ClusterIsDescribedAndNothingIsReassigned) {
  const auto cluster = client().ask(0, kafka::DescribeClusterRequest{true});
  EXPECT_EQ(cluster.cluster_id.size(), 22U);
  EXPECT_EQ(cluster.brokers.at(0).host, "broker.example");
  EXPECT_NE(cluster.cluster_authorized_operations, kafka::kOperationsNotAsked);
  EXPECT_TRUE(client().ask(0, kafka::ListPartitionReassignmentsRequest{}).topics.empty());
}

TEST_F(Admin, ConnectionIsNotReadWhileTooManyAnswersAreDue) {
  client().create("users");
  auto& c = client();
  hold_disk = true;
  for (int i = 0; i < config.max_requests_in_flight - 1; ++i)
    c.send_produce("users", batch_of({"x"}));
  EXPECT_EQ(c.connection.pauses, 0);
  c.send_produce("users", batch_of({"x"}));
  EXPECT_EQ(c.connection.pauses, 1);
  release_disk();
  EXPECT_EQ(c.connection.pauses, 0);
}

TEST_F(Admin, NoConnectionIsReadWhileTheMemoryForRequestsIsSpent) {
  client().create("users");
  auto& greedy = client();
  auto& other = client();
  node->memory().take(config.queued_max_request_bytes);
  hold_disk = true;
  greedy.send_produce("users", batch_of({"x"}));
  EXPECT_EQ(greedy.connection.pauses, 1);
  other.send(9, kafka::MetadataRequest{});  // was read already: is answered
  EXPECT_TRUE(other.answered());
  node->memory().give_back(config.queued_max_request_bytes);
  EXPECT_EQ(greedy.connection.pauses, 0);
  EXPECT_EQ(other.connection.pauses, 0);
  release_disk();
  EXPECT_GT(node->memory().used(), 0) << "the answer waits for its client";
  EXPECT_TRUE(greedy.answered());
  EXPECT_EQ(node->memory().used(), 0);
}

class SmallMemory : public NodeFixture {
 protected:
  static constexpr std::size_t kBatchBytes = 10'000;
  static constexpr int kBatches = 100;
  SmallMemory() { config.queued_max_request_bytes = 400'000; }
  void SetUp() override {
    NodeFixture::SetUp();
    client().create("users");
    for (int i = 0; i < kBatches; ++i)
      client().produce("users", batch_of({std::string(kBatchBytes, 'x')}));
  }
};

TEST_F(SmallMemory, SlowReadersHoldNoMoreThanTheBudgetAndOthersGoOn) {
  ASSERT_EQ(node->memory().used(), 0);
  std::vector<std::unique_ptr<TestClient>> slow;
  for (int i = 0; i < 20; ++i) {
    slow.push_back(std::make_unique<TestClient>(*node, sessions, loop, net::Address{"h", 1}));
    slow.back()->send(12, TestClient::fetch_request("users", 0));  // and never reads the answer
    EXPECT_LE(node->memory().used(), config.queued_max_request_bytes);
    const auto fetched = client().fetch("users", 0);
    EXPECT_GE(fetched.records->size(), kBatchBytes) << "after " << i;
    EXPECT_EQ(client().produce("users", batch_of({"y"})).error, KafkaError::None);
  }
  EXPECT_GT(node->memory().used(), config.queued_max_request_bytes / 2);
  slow.clear();
  EXPECT_EQ(node->memory().used(), 0);
}

TEST_F(SmallMemory, WhoReadsGetsABatchAtATimeAlsoWhenTheBudgetIsSpent) {
  std::vector<std::unique_ptr<TestClient>> slow;
  while (node->memory().used() <= config.queued_max_request_bytes) {
    slow.push_back(std::make_unique<TestClient>(*node, sessions, loop, net::Address{"h", 1}));
    slow.back()->send(12, TestClient::fetch_request("users", 0));
    ASSERT_LT(slow.size(), 100U);
  }
  auto& c = client();
  for (int i = 0; i < 10; ++i) {
    const auto records = *c.fetch("users", i).records;
    EXPECT_GE(records.size(), kBatchBytes);
    EXPECT_LT(records.size(), 2 * kBatchBytes);
    EXPECT_EQ(c.connection.pauses, 0) << "those who do not read stop nobody";
  }
  slow.clear();
  EXPECT_EQ(node->memory().used(), 0);
}

TEST_F(Admin, GaugesOfWhatWasDeletedDisappear) {
  const auto refresh = [this] {
    loop.advance(std::chrono::seconds(1));
    return metrics();
  };
  client().create("users");
  client().create("other");
  client().produce("users", batch_of({"x"}));
  kafka::OffsetCommitRequest commit;
  commit.group = GroupId("g");
  commit.topics = {{TopicName("users"), {{PartitionId(0), Offset(1), {}, -1, ""}}}};
  EXPECT_EQ(client().ask(8, commit).topics.at(0).partitions.at(0).error, KafkaError::None);
  const std::vector<std::string> lines{
      "kafka_topic_partitions{topic=\"users\"} 1",
      "kafka_topic_partition_current_offset{partition=\"0\",topic=\"users\"} 1",
      "kafka_topic_partition_oldest_offset{partition=\"0\",topic=\"users\"} 0",
      "kafka_consumergroup_current_offset{consumergroup=\"g\",partition=\"0\",topic=\"users\"} 1",
      "kafka_consumergroup_lag{consumergroup=\"g\",partition=\"0\",topic=\"users\"} 0",
      "kafka_consumergroup_members{consumergroup=\"g\"} 0"};
  std::string text = refresh();
  for (const std::string& line : lines) EXPECT_NE(text.find(line), std::string::npos) << line;

  kafka::DeleteTopicsRequest request;
  request.topic_names = {TopicName("users")};
  EXPECT_EQ(client().ask(5, request).topics.at(0).error, KafkaError::None);
  EXPECT_EQ(client().ask(2, kafka::DeleteGroupsRequest{{GroupId("g")}}).groups.at(0).error,
            KafkaError::None);
  text = refresh();
  EXPECT_EQ(text.find("users"), std::string::npos) << text;
  EXPECT_EQ(text.find("consumergroup="), std::string::npos) << text;
  EXPECT_NE(text.find("kafka_topic_partitions{topic=\"other\"} 1"), std::string::npos);
}

TEST_F(Admin, CoordinatorIsAtTheAddressOfTheListenerThatWasAsked) {
  kafka::FindCoordinatorRequest find;
  find.key = "g";
  EXPECT_EQ(client({"outside.example", 9092}).ask(3, find).host, "outside.example");
  EXPECT_EQ(client({"", 9092}).ask(2, find).host, "127.0.0.1");  // as it was connected to
  kafka::FindCoordinatorRequest batched;
  batched.coordinator_keys = {"g"};
  const auto inside = client({"broker", 29092}).ask(4, batched).coordinators.at(0);
  EXPECT_EQ(inside.host, "broker");
  EXPECT_EQ(inside.port, 29092);
}

}  // namespace
}  // namespace penstock::broker
