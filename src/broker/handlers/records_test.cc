// SPDX-License-Identifier: Apache-2.0
// Produce, Fetch, ListOffsets, InitProducerId: records in and out.
#include "broker/node_fixture.h"
#include "wire/kafka/messages/delete_topics.h"
#include "wire/kafka/messages/fetch.h"
#include "wire/kafka/messages/init_producer_id.h"
#include "wire/kafka/messages/list_offsets.h"
#include "wire/kafka/messages/metadata.h"
#include "wire/kafka/messages/offset_for_leader_epoch.h"
#include "wire/kafka/messages/produce.h"

namespace penstock::broker {
namespace {

using namespace std::chrono_literals;

class Records : public NodeFixture {
 protected:
  void SetUp() override {
    NodeFixture::SetUp();
    ASSERT_EQ(client().create("users").error, KafkaError::None);
  }
  std::int64_t latest(const std::string& topic, std::int64_t timestamp = -1) {
    kafka::ListOffsetsRequest request;
    request.replica_id = kafka::kNoBroker;
    request.topics = {{TopicName(topic), {{PartitionId(0), kafka::kNoLeaderEpoch, timestamp, 1}}}};
    const auto answer = client().ask(7, request).topics.at(0).partitions.at(0);
    EXPECT_EQ(answer.error, KafkaError::None);
    return answer.offset.value();
  }
  // One byte of a partition's first segment changes on the disk.
  void damage(const std::string& partition, std::uint64_t at) {
    const auto file =
        disk.open("/data/" + partition + "/00000000000000000000.log", OpenFile::Write).value();
    char byte = 0;
    ASSERT_EQ(file->read(at, &byte, 1).value(), 1U);
    byte = static_cast<char>(byte ^ 1);
    ASSERT_TRUE(file->write(at, BytesView(&byte, 1)));
    ASSERT_TRUE(file->sync());
  }
};

TEST_F(Records, ProducedRecordIsFetchedUnchanged) {
  auto& c = client();
  const auto produced = c.produce("users", batch_of({"one", "two"}));
  EXPECT_EQ(produced.error, KafkaError::None);
  EXPECT_EQ(produced.base_offset, Offset(0));
  EXPECT_EQ(c.produce("users", batch_of({"three"})).base_offset, Offset(2));
  const auto fetched = c.fetch("users", 0);
  EXPECT_EQ(values_of(*fetched.records), (std::vector<std::string>{"one", "two", "three"}));
  EXPECT_EQ(fetched.high_watermark, Offset(3));
  EXPECT_EQ(values_of(*c.fetch("users", 2).records), std::vector<std::string>{"three"});
}

TEST_F(Records, AcknowledgementWaitsForTheDiskAndSurvivesAPowerCut) {
  auto& c = client();
  hold_disk = true;
  c.send_produce("users", batch_of({"one"}));
  EXPECT_FALSE(c.answered());
  EXPECT_EQ(latest("users"), 0);  // not durable, not visible
  release_disk();
  EXPECT_EQ(c.receive<kafka::ProduceRequest>(9).topics[0].partitions[0].error, KafkaError::None);

  hold_disk = true;
  c.send_produce("users", batch_of({"never acknowledged"}));
  EXPECT_FALSE(c.answered());
  crash();
  EXPECT_EQ(values_of(*client().fetch("users", 0).records), std::vector<std::string>{"one"});
}

TEST_F(Records, AnswersLeaveInTheOrderOfTheRequests) {
  auto& c = client();
  hold_disk = true;
  c.send_produce("users", batch_of({"one"}));
  kafka::MetadataRequest metadata;
  metadata.topics.emplace();
  c.send(9, metadata);
  EXPECT_FALSE(c.answered());
  release_disk();
  EXPECT_EQ(c.receive<kafka::ProduceRequest>(9).topics.size(), 1U);
  EXPECT_EQ(c.receive<kafka::MetadataRequest>(9).brokers.size(), 1U);
}

TEST_F(Records, AcksZeroGetsNoAnswerAndARefusalClosesTheConnection) {
  auto& c = client();
  c.send_produce("users", batch_of({"one"}), 0);
  EXPECT_FALSE(c.answered());
  EXPECT_TRUE(c.connection.open);
  c.send_produce("missing", batch_of({"one"}), 0);
  EXPECT_FALSE(c.answered());
  EXPECT_FALSE(c.connection.open);
  EXPECT_EQ(latest("users"), 1);
}

TEST_F(Records, WhatCannotBeAppendedIsRefusedWithItsReason) {
  auto& c = client();
  EXPECT_EQ(c.produce("missing", batch_of({"x"})).error, KafkaError::UnknownTopicOrPartition);
  EXPECT_EQ(c.produce("users", batch_of({"x"}), 2).error, KafkaError::InvalidRequiredAcks);
  EXPECT_EQ(c.produce("users", "").error, KafkaError::CorruptMessage);
  Bytes broken = batch_of({"x"});
  broken.back() ^= 1;
  EXPECT_EQ(c.produce("users", broken).error, KafkaError::CorruptMessage);
  EXPECT_EQ(c.produce("users", batch_of({"x"}, {.producer_id = kafka::ProducerId(1),
                                                .producer_epoch = kafka::ProducerEpoch(0),
                                                .base_sequence = kafka::Sequence(0),
                                                .transactional = true}))
                .error,
            KafkaError::InvalidTxnState);
  EXPECT_EQ(c.produce("users", batch_of({"x"}, {.codec = kafka::Codec::Zstd}), -1, 6).error,
            KafkaError::UnsupportedCompressionType);
  EXPECT_EQ(c.produce("users", batch_of({std::string(2'000'000, 'x')})).error,
            KafkaError::MessageTooLarge);
  kafka::ProduceRequest transactional;
  transactional.acks = -1;
  transactional.transactional_id = kafka::TransactionalId("t");
  const Bytes records = batch_of({"x"});
  transactional.topics = {{TopicName("users"), {{PartitionId(0), records}}}};
  EXPECT_EQ(c.ask(9, transactional).topics[0].partitions[0].error, KafkaError::InvalidTxnState);
  EXPECT_EQ(latest("users"), 0);
}

TEST_F(Records, FullDiskIsAStorageErrorAndSpaceHealsIt) {
  auto& c = client();
  EXPECT_EQ(c.produce("users", batch_of({"one"})).error, KafkaError::None);
  disk.set_capacity(1);
  EXPECT_EQ(c.produce("users", batch_of({"two"})).error, KafkaError::KafkaStorageError);
  EXPECT_EQ(values_of(*c.fetch("users", 0).records), std::vector<std::string>{"one"});
  disk.set_capacity(1 << 30);
  EXPECT_EQ(c.produce("users", batch_of({"three"})).base_offset, Offset(1));
}

TEST_F(Records, FailedSyncIsNeverCalledDurable) {
  auto& c = client();
  EXPECT_EQ(c.produce("users", batch_of({"one"})).error, KafkaError::None);
  disk.fail_call(ForgetfulDisk::Call::Sync, 1);
  EXPECT_EQ(c.produce("users", batch_of({"two"})).error, KafkaError::KafkaStorageError);
  EXPECT_EQ(c.produce("users", batch_of({"three"})).error, KafkaError::KafkaStorageError);
  EXPECT_EQ(latest("users"), 1);
}

TEST_F(Records, FetchWaitsForRecordsAndWakesWhenTheyAreDurable) {
  auto& consumer = client();
  auto& producer = client();
  consumer.send(12, TestClient::fetch_request("users", 0, 5000));
  EXPECT_FALSE(consumer.answered());
  hold_disk = true;
  producer.send_produce("users", batch_of({"one"}));
  EXPECT_FALSE(consumer.answered());
  release_disk();
  EXPECT_EQ(values_of(*consumer.receive<kafka::FetchRequest>(12).topics[0].partitions[0].records),
            std::vector<std::string>{"one"});
  EXPECT_TRUE(node->long_polls().empty());
}

TEST_F(Records, FetchThatGetsTooLittleAnswersWhenItsTimeIsOver) {
  auto& consumer = client();
  consumer.send(12, TestClient::fetch_request("users", 0, 500, 10'000));
  client().produce("users", batch_of({"small"}));
  EXPECT_FALSE(consumer.answered());
  loop.advance(499ms);
  EXPECT_FALSE(consumer.answered());
  loop.advance(1ms);
  EXPECT_EQ(values_of(*consumer.receive<kafka::FetchRequest>(12).topics[0].partitions[0].records),
            std::vector<std::string>{"small"});
}

TEST_F(Records, FirstBatchComesWholeHoweverSmallTheLimit) {
  auto& c = client();
  c.produce("users", batch_of({std::string(5000, 'x')}));
  c.produce("users", batch_of({std::string(5000, 'y')}));
  const auto fetched =
      c.ask(12, TestClient::fetch_request("users", 0, 0, 1, 10)).topics.at(0).partitions.at(0);
  EXPECT_EQ(values_of(*fetched.records), std::vector<std::string>{std::string(5000, 'x')});
}

TEST_F(Records, FetchErrorsComeAtOnce) {
  auto& c = client();
  EXPECT_EQ(c.ask(12, TestClient::fetch_request("missing", 0, 5000)).topics[0].partitions[0].error,
            KafkaError::UnknownTopicOrPartition);
  EXPECT_EQ(c.ask(12, TestClient::fetch_request("users", 7, 5000)).topics[0].partitions[0].error,
            KafkaError::OffsetOutOfRange);
  auto request = TestClient::fetch_request("users", 0, 5000);
  request.topics[0].partitions[0].current_leader_epoch = kafka::LeaderEpoch(9);
  EXPECT_EQ(c.ask(12, request).topics[0].partitions[0].error, KafkaError::UnknownLeaderEpoch);
  request = TestClient::fetch_request("users", 0, 5000);
  request.session_id = kafka::FetchSessionId(77);
  EXPECT_EQ(c.ask(12, request).error, KafkaError::FetchSessionIdNotFound);
}

TEST_F(Records, DeletedTopicWakesItsWaitingFetch) {
  auto& consumer = client();
  consumer.send(12, TestClient::fetch_request("users", 0, 5000));
  kafka::DeleteTopicsRequest request;
  request.topic_names = {TopicName("users")};
  EXPECT_EQ(client().ask(5, request).topics[0].error, KafkaError::None);
  EXPECT_EQ(consumer.receive<kafka::FetchRequest>(12).topics[0].partitions[0].error,
            KafkaError::UnknownTopicOrPartition);
}

TEST_F(Records, ClientThatGoesAwayLeavesNoWaitingFetch) {
  {
    TestClient gone(*node, sessions, loop, {"h", 1});
    gone.send(12, TestClient::fetch_request("users", 0, 5000));
    EXPECT_EQ(node->long_polls().size(), 1U);
  }
  EXPECT_TRUE(node->long_polls().empty());
  EXPECT_TRUE(node->memory().used() == 0);
}

TEST_F(Records, OffsetsAreFoundByTimeAndAtTheEnds) {
  auto& c = client();
  c.produce("users", batch_of({"a", "b", "c"}));  // at ...000, 001, 002
  EXPECT_EQ(latest("users", -1), 3);
  EXPECT_EQ(latest("users", -2), 0);
  EXPECT_EQ(latest("users", -3), 2);
  EXPECT_EQ(latest("users", 1'700'000'000'001), 1);
  EXPECT_EQ(latest("users", 1'800'000'000'000), -1);
}

TEST_F(Records, ProducerIdsAreNeverGivenTwiceAlsoAfterACrash) {
  kafka::InitProducerIdRequest request;
  const auto first = client().ask(4, request).producer_id;
  EXPECT_EQ(client().ask(4, request).producer_id, first + 1);
  crash();
  EXPECT_GT(client().ask(4, request).producer_id, first + 1);
  request.transactional_id = kafka::TransactionalId("t");
  EXPECT_EQ(client().ask(4, request).error, KafkaError::UnsupportedVersion);
}

TEST_F(Records, IdempotentRetryGetsItsFirstOffsetsAlsoAfterARestart) {
  const auto options = [](int sequence) {
    return kafka::RecordBatchBuilder::Options{.producer_id = kafka::ProducerId(5),
                                              .producer_epoch = kafka::ProducerEpoch(0),
                                              .base_sequence = kafka::Sequence(sequence)};
  };
  EXPECT_EQ(client().produce("users", batch_of({"a"}, options(0))).base_offset, Offset(0));
  EXPECT_EQ(client().produce("users", batch_of({"b"}, options(1))).base_offset, Offset(1));
  EXPECT_EQ(client().produce("users", batch_of({"a"}, options(0))).base_offset, Offset(0));
  restart_cleanly();
  EXPECT_EQ(client().produce("users", batch_of({"b"}, options(1))).base_offset, Offset(1));
  EXPECT_EQ(client().produce("users", batch_of({"d"}, options(3))).error,
            KafkaError::OutOfOrderSequenceNumber);
  EXPECT_EQ(latest("users"), 2);
}

TEST_F(Records, LeaderEpochGrowsWithACrashAndTellsWhereTheOldOneEnded) {
  client().produce("users", batch_of({"a"}));
  crash();
  client().produce("users", batch_of({"b"}));
  kafka::OffsetForLeaderEpochRequest request;
  request.topics = {
      {TopicName("users"), {{PartitionId(0), kafka::kNoLeaderEpoch, kafka::LeaderEpoch(0)}}}};
  const auto answer = client().ask(4, request).topics[0].partitions[0];
  EXPECT_EQ(answer.error, KafkaError::None);
  EXPECT_EQ(answer.end_offset, Offset(1));
}

TEST_F(Records, DamagedPartitionAnswersStorageErrorWhileTheOtherServes) {
  const TopicName pair("pair");
  ASSERT_EQ(client().create("pair", 2).error, KafkaError::None);
  const Bytes records = batch_of({"one"});
  const auto produce = [&](std::int32_t partition) {
    kafka::ProduceRequest request;
    request.acks = -1;
    request.topics = {{pair, {{PartitionId(partition), records}}}};
    return client().ask(9, request).topics.at(0).partitions.at(0).error;
  };
  EXPECT_EQ(produce(0), KafkaError::None);
  EXPECT_EQ(produce(1), KafkaError::None);
  EXPECT_NE(metrics().find("penstock_log_offline_partitions 0\n"), std::string::npos);
  damage("pair-0", 64);
  kill();

  EXPECT_EQ(produce(0), KafkaError::KafkaStorageError);
  EXPECT_EQ(produce(1), KafkaError::None);
  auto fetch = TestClient::fetch_request("pair", 0, 5000);
  fetch.topics[0].partitions.push_back(fetch.topics[0].partitions[0]);
  fetch.topics[0].partitions[1].id = PartitionId(1);
  const auto fetched = client().ask(12, fetch).topics.at(0).partitions;
  EXPECT_EQ(fetched.at(0).error, KafkaError::KafkaStorageError);
  EXPECT_EQ(fetched.at(1).error, KafkaError::None);
  EXPECT_EQ(values_of(*fetched[1].records), (std::vector<std::string>{"one", "one"}));
  kafka::ListOffsetsRequest list;
  list.topics = {{pair,
                  {{PartitionId(0), kafka::kNoLeaderEpoch, -1, 1},
                   {PartitionId(1), kafka::kNoLeaderEpoch, -1, 1}}}};
  const auto listed = client().ask(7, list).topics.at(0).partitions;
  EXPECT_EQ(listed.at(0).error, KafkaError::KafkaStorageError);
  EXPECT_EQ(listed.at(1).offset, Offset(2));
  EXPECT_NE(metrics().find("penstock_log_offline_partitions 1\n"), std::string::npos);

  // The topic can be deleted, and then nothing is offline.
  kafka::DeleteTopicsRequest remove;
  remove.topic_names = {pair};
  EXPECT_EQ(client().ask(5, remove).topics.at(0).error, KafkaError::None);
  EXPECT_NE(metrics().find("penstock_log_offline_partitions 0\n"), std::string::npos);
}

TEST_F(Records, DamageThatAppearsWhileServingIsAStorageErrorToo) {
  client().produce("users", batch_of({"one"}));
  restart_cleanly();  // nothing is scanned
  damage("users-0", kafka::kBatchMagicAt);
  EXPECT_EQ(client().fetch("users", 0).error, KafkaError::KafkaStorageError);
}

TEST_F(Records, PartitionThatRefusesWritesIsCountedAsOffline) {
  disk.fail_call(ForgetfulDisk::Call::Sync, 1);
  EXPECT_EQ(client().produce("users", batch_of({"one"})).error, KafkaError::KafkaStorageError);
  EXPECT_NE(metrics().find("penstock_log_offline_partitions 1\n"), std::string::npos);
}

TEST_F(Records, ProducersStayOutOfTheBrokersOwnTopic) {
  kafka::FindCoordinatorRequest find;
  find.key = "g";
  EXPECT_EQ(client().ask(3, find).error, KafkaError::None);
  EXPECT_EQ(client().produce("__consumer_offsets", batch_of({"x"})).error,
            KafkaError::InvalidTopic);
}

}  // namespace
}  // namespace penstock::broker
