// SPDX-License-Identifier: Apache-2.0
// Against librdkafka's own mock brokers, which live inside the client under test: sockets of this
// process, no other server.
#include "client/kafka_client.h"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <future>
#include <map>

#include "client/kafka_handle.h"

namespace penstock::client {
namespace {

constexpr auto kPatience = std::chrono::seconds(20);

class MockCluster {
 public:
  MockCluster() {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    std::array<char, 200> words{};
    handle_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf, words.data(), words.size()));
    cluster_ = rd_kafka_mock_cluster_new(handle_.get(), 1);
  }
  ~MockCluster() { rd_kafka_mock_cluster_destroy(cluster_); }

  KafkaConfig config() const {
    return {rd_kafka_mock_cluster_bootstraps(cluster_), "test", {{"session.timeout.ms", "6000"}}};
  }
  void create(const std::string& topic, int partitions) {
    rd_kafka_mock_topic_create(cluster_, topic.c_str(), partitions, 1);
  }
  rd_kafka_mock_cluster_t* raw() { return cluster_; }

 private:
  HandlePtr handle_;
  rd_kafka_mock_cluster_t* cluster_;
};

std::unique_ptr<KafkaConsumer> consumer(const MockCluster& cluster, const std::string& group = "") {
  return KafkaConsumer::open({.kafka = cluster.config(),
                              .group = group,
                              .group_instance = "",
                              .start = "earliest",
                              .cooperative = true})
      .value();
}

std::unique_ptr<KafkaProducer> producer(const MockCluster& cluster) {
  return KafkaProducer::open({.kafka = cluster.config(),
                              .idempotent = true,
                              .compression = "lz4",
                              .linger = Millis(1)})
      .value();
}

void produce(KafkaProducer& to, int partition, int begin, int end) {
  for (int i = begin; i < end; ++i) {
    const std::string key = "k" + std::to_string(i);
    const std::string value = "v" + std::to_string(i);
    ProducerRecord record;
    record.topic = "t";
    record.partition = partition;
    record.key = key;
    record.value = value;
    record.timestamp_millis = 1'700'000'000'000 + i;
    ASSERT_TRUE(to.produce(record));
  }
  ASSERT_TRUE(to.flush(kPatience));
}

// Polls until `count` records have come.
std::vector<std::string> read(KafkaConsumer& from, std::size_t count) {
  std::vector<std::string> values;
  while (values.size() < count) {
    const auto batch = from.poll(
        {.records_max = count - values.size(), .bytes_max = 1 << 20, .wait_max = kPatience});
    EXPECT_TRUE(batch) << batch.error().message;
    if (!batch) break;
    for (const KafkaRecord& record : batch->records()) values.emplace_back(record.value);
  }
  return values;
}

TEST(KafkaClient, RecordsArriveWithKeyHeadersTimestampAndNulls) {
  MockCluster cluster;
  cluster.create("t", 1);
  const auto to = producer(cluster);
  std::promise<Result<Delivery>> delivered;
  ProducerRecord record;
  record.topic = "t";
  record.key = "";
  record.headers = {{"h", "x"}, {"none", std::nullopt}};
  record.timestamp_millis = 1'700'000'000'123;
  ASSERT_TRUE(to->produce(
      record, [&](Result<Delivery> delivery) { delivered.set_value(std::move(delivery)); }));
  const auto delivery = delivered.get_future().get();
  ASSERT_TRUE(delivery) << delivery.error().message;
  EXPECT_EQ(delivery->offset, 0);

  const auto from = consumer(cluster);
  ASSERT_TRUE(from->assign({{"t", 0, kOffsetEarliest, {}}}));
  const KafkaBatch batch =
      from->poll({.records_max = 10, .bytes_max = 1 << 20, .wait_max = kPatience}).value();
  ASSERT_EQ(batch.size(), 1);
  EXPECT_EQ(batch[0].topic, "t");
  EXPECT_EQ(batch[0].timestamp_millis, 1'700'000'000'123);
  EXPECT_TRUE(batch[0].has_key);
  EXPECT_EQ(batch[0].key, "");
  EXPECT_FALSE(batch[0].has_value);
  const auto headers = batch.headers(0);
  ASSERT_EQ(headers.size(), 2);
  EXPECT_EQ(headers[0].name, "h");
  EXPECT_EQ(headers[0].value, "x");
  EXPECT_FALSE(headers[1].value);
}

TEST(KafkaClient, BatchesKeepTheirRecordsAfterLaterPolls) {
  MockCluster cluster;
  cluster.create("t", 1);
  produce(*producer(cluster), 0, 0, 2500);
  const auto from = consumer(cluster);
  ASSERT_TRUE(from->assign({{"t", 0, kOffsetEarliest, {}}}));
  std::vector<KafkaBatch> batches;
  std::size_t records = 0;
  while (records < 2500) {
    batches.push_back(
        from->poll({.records_max = 2500 - records, .bytes_max = 4'000, .wait_max = kPatience})
            .value());
    records += batches.back().size();
  }
  int next = 0;
  for (const KafkaBatch& batch : batches) {
    EXPECT_LE(batch.size(), 1000);  // 4,000 bytes, and six or more a record
    for (const KafkaRecord& record : batch.records()) {
      EXPECT_EQ(record.offset, next);
      EXPECT_EQ(record.value, "v" + std::to_string(next++));
    }
  }
  EXPECT_EQ(from->position({{"t", 0}})->front().offset, 2500);
}

// As in a rebalance, which pauses all partitions from inside poll(), in the middle of the records.
TEST(KafkaClient, NoRecordIsPassedOverWhenPartitionsArePausedAmidAPoll) {
  constexpr int kPartitions = 2;
  constexpr int kRecords = 20'000;
  MockCluster cluster;
  cluster.create("t", kPartitions);
  const auto to = producer(cluster);
  std::vector<TopicPartition> partitions;
  std::vector<TopicPartitionOffset> starts;
  for (int i = 0; i < kPartitions; ++i) {
    produce(*to, i, 0, kRecords);
    partitions.push_back({"t", i});
    starts.push_back({"t", i, kOffsetEarliest, {}});
  }
  const auto from = consumer(cluster, "g");
  ASSERT_TRUE(from->assign(starts));
  std::map<int, std::int64_t> next;
  bool asked = false;
  int pauses = 0;
  for (std::int64_t records = 0; records < kPartitions * kRecords && !HasFailure();) {
    if (!std::exchange(asked, true)) {
      from->commit_async({{"t", 0, 1, {}}}, [&](const Result<void>&) {
        EXPECT_TRUE(from->pause(partitions) && from->resume(partitions));
        asked = false;
        ++pauses;
      });
    }
    const auto batch =
        from->poll({.records_max = 10'000, .bytes_max = 1 << 20, .wait_max = kPatience});
    ASSERT_TRUE(batch) << batch.error().message;
    for (const KafkaRecord& record : batch->records()) {
      EXPECT_EQ(record.offset, next[record.partition]) << "partition " << record.partition;
      next[record.partition] = record.offset + 1;
      ++records;
    }
  }
  EXPECT_GT(pauses, 3);
}

TEST(KafkaClient, EndOfPartitionIsToldWithItsOffset) {
  MockCluster cluster;
  cluster.create("t", 1);
  produce(*producer(cluster), 0, 0, 3);
  const auto from = consumer(cluster);
  ASSERT_TRUE(from->assign({{"t", 0, kOffsetEarliest, {}}}));
  std::vector<TopicPartitionOffset> ends;
  while (ends.empty())
    ends = from->poll({.records_max = 10, .bytes_max = 1 << 20, .wait_max = kPatience})->ends();
  EXPECT_EQ(ends.front().offset, 3);
}

TEST(KafkaClient, WakeEndsAWaitingPoll) {
  MockCluster cluster;
  cluster.create("t", 1);
  const auto from = consumer(cluster);
  from->wake();
  const auto batch =
      from->poll({.records_max = 10, .bytes_max = 1 << 20, .wait_max = std::chrono::hours(1)});
  ASSERT_TRUE(batch);
  EXPECT_TRUE(batch->empty());
}

TEST(KafkaClient, GroupCommitsAndTheNextMemberGoesOnFromThere) {
  MockCluster cluster;
  cluster.create("t", 2);
  produce(*producer(cluster), 1, 0, 10);
  std::vector<Rebalance::Kind> kinds;
  {
    const auto from = consumer(cluster, "g");
    ASSERT_TRUE(from->subscribe({"t"}, [&](Rebalance& rebalance) {
      kinds.push_back(rebalance.kind);
      if (rebalance.kind != Rebalance::Kind::Assigned) return;
      EXPECT_EQ(rebalance.partitions.size(), 2);
      // Start in the middle, as from a checkpoint.
      for (TopicPartitionOffset& each : rebalance.partitions) {
        if (each.partition == 1) each.offset = 4;
      }
    }));
    EXPECT_EQ(read(*from, 3), (std::vector<std::string>{"v4", "v5", "v6"}));
    ASSERT_TRUE(from->commit({{"t", 1, 7, "mine"}}));
    bool done = false;
    from->commit_async({{"t", 1, 8, {}}}, [&](Result<void> result) { done = result.has_value(); });
    while (!done)
      ASSERT_TRUE(from->poll({.records_max = 1, .bytes_max = 1, .wait_max = kPatience}));
    EXPECT_EQ(from->committed({{"t", 1}}, kPatience)->front().offset, 8);
    from->close();
  }
  EXPECT_EQ(kinds, (std::vector{Rebalance::Kind::Assigned, Rebalance::Kind::Revoked}));
  const auto next = consumer(cluster, "g");
  ASSERT_TRUE(next->subscribe({"t"}, nullptr));
  EXPECT_EQ(read(*next, 2), (std::vector<std::string>{"v8", "v9"}));
}

TEST(KafkaClient, MemberMayLeaveAtAnyMomentOfItsJoin) {
  MockCluster cluster;
  cluster.create("t", 1);
  rd_kafka_mock_broker_set_rtt(cluster.raw(), -1, 20);
  // The mock answers a group's first JoinGroup after three seconds.
  std::vector<std::future<void>> leaving;
  for (int i = 0; i < 30; ++i) {
    leaving.push_back(std::async(std::launch::async, [&cluster, i] {
      const auto member = consumer(cluster, "g" + std::to_string(i));
      ASSERT_TRUE(member->subscribe({"t"}, [](Rebalance&) {}));
      const TimePoint leave = system_clock().now() + Millis(2950 + i * 10);
      while (system_clock().now() < leave)
        ASSERT_TRUE(member->poll({.wait_max = leave - system_clock().now()}));
      member->close();
    }));
  }
  for (auto& left : leaving)
    ASSERT_EQ(left.wait_for(kPatience), std::future_status::ready) << "a member hangs";
}

TEST(KafkaClient, SeekPauseAndWatermarks) {
  MockCluster cluster;
  cluster.create("t", 1);
  produce(*producer(cluster), 0, 0, 5);
  const auto from = consumer(cluster);
  ASSERT_TRUE(from->assign({{"t", 0, kOffsetEarliest, {}}}));
  EXPECT_EQ(read(*from, 5).size(), 5);
  ASSERT_TRUE(from->seek({"t", 0, 3, {}}, kPatience));
  EXPECT_EQ(read(*from, 2), (std::vector<std::string>{"v3", "v4"}));
  EXPECT_EQ(from->watermarks({"t", 0}, kPatience)->high, 5);
  EXPECT_EQ(from->last_watermarks({"t", 0})->high, 5);
  ASSERT_TRUE(from->pause({{"t", 0}}));
  ASSERT_TRUE(from->resume({{"t", 0}}));
  EXPECT_EQ(from->partitions("t", kPatience)->size(), 1);
  EXPECT_EQ(from->assignment().size(), 1);
}

TEST(KafkaClient, WrongConfigurationIsRefusedWithTheNameOfTheProperty) {
  KafkaConfig config{"127.0.0.1:1", "test", {{"no.such.property", "1"}}};
  const auto opened = KafkaProducer::open(
      {.kafka = config, .idempotent = true, .compression = "", .linger = Millis(0)});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::InvalidArgument);
  EXPECT_NE(opened.error().message.find("no.such.property"), std::string::npos);
  EXPECT_FALSE(KafkaAdmin::open({"", "test", {}}));
}

TEST(KafkaClient, RefusedRecordReachesItsCallback) {
  MockCluster cluster;
  cluster.create("t", 1);
  rd_kafka_mock_push_request_errors(cluster.raw(), 0, 1,
                                    RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  const auto to = producer(cluster);
  std::promise<Result<Delivery>> delivered;
  ProducerRecord record;
  record.topic = "t";
  record.value = "x";
  ASSERT_TRUE(to->produce(
      record, [&](Result<Delivery> delivery) { delivered.set_value(std::move(delivery)); }));
  const auto delivery = delivered.get_future().get();
  ASSERT_FALSE(delivery);
  EXPECT_EQ(delivery.error().code, Code::Unauthorized);
}

TEST(KafkaClient, AdminSeesTopicsAndCluster) {
  MockCluster cluster;
  cluster.create("t", 3);
  const auto admin = KafkaAdmin::open(cluster.config()).value();
  EXPECT_EQ(admin->topic("t")->partitions.size(), 3);
  EXPECT_EQ(admin->cluster()->brokers.size(), 1);
  EXPECT_EQ(admin->topics()->size(), 1);
  EXPECT_EQ(admin->watermarks({"t", 0})->high, 0);
}

TEST(KafkaClient, QuestionsAboutAGroupWaitForItsCoordinator) {
  MockCluster cluster;
  const auto admin = KafkaAdmin::open(cluster.config()).value();
  constexpr std::int16_t kOffsetFetch = 9;
  rd_kafka_mock_push_request_errors(cluster.raw(), kOffsetFetch, 2,
                                    RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
                                    RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS);
  const auto offsets = admin->group_offsets("g");
  ASSERT_TRUE(offsets) << offsets.error().message;
  EXPECT_TRUE(offsets->empty());
}

}  // namespace
}  // namespace penstock::client
