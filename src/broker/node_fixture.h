// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/forgetful_disk.h"
#include "broker/session.h"
#include "net/fake_connection.h"
#include "net/fake_loop.h"
#include "wire/kafka/messages/create_topics.h"
#include "wire/kafka/messages/fetch.h"
#include "wire/kafka/messages/find_coordinator.h"
#include "wire/kafka/messages/metadata.h"
#include "wire/kafka/messages/produce.h"
#include "wire/kafka/record_batch.h"
#include "wire/kafka/record_batch_builder.h"

// For tests: a whole broker on one thread, on a loop that moves only when told and a disk that
// forgets what was not synced.
namespace penstock::broker {

inline Bytes batch_of(std::initializer_list<std::string_view> values,
                      kafka::RecordBatchBuilder::Options options = {}) {
  kafka::RecordBatchBuilder builder(options);
  std::int64_t timestamp = 1'700'000'000'000;
  for (const std::string_view value : values) builder.add(timestamp++, std::nullopt, value);
  return builder.build().value();
}

inline std::vector<std::string> values_of(BytesView batches) {
  std::vector<std::string> values;
  kafka::BatchReader reader(batches);
  Bytes scratch;
  while (const auto batch = reader.next().value())
    EXPECT_TRUE(kafka::for_each_record(*batch, scratch, [&](const kafka::RecordView& record) {
      values.emplace_back(record.value.value_or("(null)"));
    }));
  return values;
}

// A client whose connection is the test.
class TestClient {
 public:
  TestClient(Node& node, Sessions& sessions, net::FakeLoop& loop, const net::Address& advertised)
      : loop_(loop),
        connection(loop),
        session_(std::make_unique<KafkaSession>(node, sessions, "PLAINTEXT", advertised)) {
    session_->on_open(connection);
  }
  ~TestClient() { session_->on_close(connection); }

  template <class Request>
  void send(std::int16_t version, const Request& request) {
    deliver(kafka::encode_request(kafka::CorrelationId(++correlation_), version, "tester", request)
                .value());
  }
  void deliver(const Bytes& frame) {
    session_->on_frame(connection, frame);
    loop_.run();
  }
  // The next answer, which must be there.
  template <class Request>
  typename Request::Response receive(std::int16_t version) {
    take_sent();
    const auto size = kafka::frame_size(buffered_);
    if (!size || *size == 0 || *size > buffered_.size()) {
      ADD_FAILURE() << "no answer to " << Request::api.name;
      return {};
    }
    const Bytes frame = buffered_.substr(0, *size);
    buffered_.erase(0, *size);
    const auto opened = kafka::open_response(frame, Request::api, version);
    EXPECT_EQ(opened->correlation, kafka::CorrelationId(++answered_));
    auto response = kafka::decode_response<typename Request::Response>(frame, version);
    EXPECT_TRUE(response) << response.error().message;
    return std::move(*response);
  }
  bool answered() {
    take_sent();
    return !buffered_.empty();
  }
  template <class Request>
  typename Request::Response ask(std::int16_t version, const Request& request) {
    send(version, request);
    return receive<Request>(version);
  }

  // Conversations that many tests need.
  kafka::ProduceResponse::Topic::Partition produce(const std::string& topic, const Bytes& records,
                                                   std::int16_t acks = -1,
                                                   std::int16_t version = 9) {
    send_produce(topic, records, acks, version);
    return receive<kafka::ProduceRequest>(version).topics.at(0).partitions.at(0);
  }
  void send_produce(const std::string& topic, const Bytes& records, std::int16_t acks = -1,
                    std::int16_t version = 9) {
    kafka::ProduceRequest request;
    request.acks = acks;
    request.topics = {{TopicName(topic), {{PartitionId(0), records}}}};
    send(version, request);
  }
  static kafka::FetchRequest fetch_request(const std::string& topic, std::int64_t offset,
                                           std::int32_t max_wait_ms = 0, std::int32_t min_bytes = 1,
                                           std::int32_t max_bytes = 1 << 20) {
    kafka::FetchRequest request;
    request.max_wait_ms = max_wait_ms;
    request.min_bytes = min_bytes;
    request.max_bytes = 50 << 20;
    kafka::FetchRequest::Topic::Partition partition;
    partition.offset = Offset(offset);
    partition.partition_max_bytes = max_bytes;
    request.topics = {{TopicName(topic), {partition}}};
    return request;
  }
  kafka::FetchResponse::Topic::Partition fetch(const std::string& topic, std::int64_t offset) {
    return ask(12, fetch_request(topic, offset)).topics.at(0).partitions.at(0);
  }
  kafka::CreateTopicsResponse::Topic create(
      const std::string& topic, std::int32_t partitions = 1,
      std::vector<kafka::CreateTopicsRequest::Topic::Config> configs = {},
      std::int16_t replicas = 1) {
    kafka::CreateTopicsRequest request;
    request.topics = {{TopicName(topic), partitions, replicas, {}, std::move(configs)}};
    return ask(7, request).topics.at(0);
  }

 private:
  // A client that is not asked for an answer leaves it in the broker's memory.
  void take_sent() {
    const Bytes sent = connection.take_sent();
    if (!sent.empty()) session_->on_sent(connection, sent.size());
    buffered_ += sent;
  }

  net::FakeLoop& loop_;

 public:
  net::FakeConnection connection;

 private:
  std::unique_ptr<KafkaSession> session_;
  Bytes buffered_;
  std::int32_t correlation_ = 0;
  std::int32_t answered_ = 0;
};

class NodeFixture : public testing::Test {
 protected:
  void SetUp() override { open(); }
  void TearDown() override { clients_.clear(); }

  void open() {
    metrics_ = std::make_unique<Metrics>();
    auto opened = Node::open(
        config, "/data", disk, loop,
        [this](net::Work work) {
          if (hold_disk)
            held_.push_back(std::move(work));
          else
            work();
        },
        *metrics_);
    ASSERT_TRUE(opened) << opened.error().message;
    node = std::move(*opened);
    loop.run();
  }
  // What the disk has been asked to do meanwhile is done now.
  void release_disk() {
    hold_disk = false;
    while (!held_.empty()) {
      net::Work work = std::move(held_.front());
      held_.pop_front();
      work();
      loop.run();
    }
    loop.run();
  }
  // The power goes and comes back.
  void crash() {
    end_process();
    std::mt19937 random(1);
    disk.power_cut(ForgetfulDisk::Unsynced::Lost, random);
    open();
  }
  // The process dies and starts again; what it has written is there.
  void kill() {
    end_process();
    open();
  }
  void restart_cleanly() {
    clients_.clear();
    bool closed = false;
    node->finish_waiting();
    node->close([&](const Result<void>& result) {
      EXPECT_TRUE(result);
      closed = true;
    });
    loop.run();
    ASSERT_TRUE(closed);
    node.reset();
    loop.run();
    open();
  }
  std::string metrics() const { return metrics_->text(); }
  TestClient& client(const net::Address& advertised = {"broker.example", 9092}) {
    return *clients_.emplace_back(std::make_unique<TestClient>(*node, sessions, loop, advertised));
  }

  BrokerConfig config = [] {
    BrokerConfig small;
    small.offsets_topic_num_partitions = 2;
    return small;
  }();
  ForgetfulDisk disk;
  net::FakeLoop loop;
  bool hold_disk = false;
  Sessions sessions;
  std::unique_ptr<Node> node;

 private:
  void end_process() {
    clients_.clear();
    held_.clear();
    node.reset();
    loop.run();
    hold_disk = false;
  }

  std::unique_ptr<Metrics> metrics_;
  std::deque<net::Work> held_;
  std::vector<std::unique_ptr<TestClient>> clients_;
};

}  // namespace penstock::broker
