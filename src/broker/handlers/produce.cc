// SPDX-License-Identifier: Apache-2.0
// Produce v0-v9. acks=1 and acks=all are both answered when the records are on disk: with one copy
// there is nothing weaker that is worth the name. acks=0 gets no answer; if a partition refused,
// the connection ends so that the client notices. v0-v2 bring message sets, which become record
// batches.
#include "wire/kafka/messages/produce.h"

#include "broker/handlers/handlers.h"
#include "wire/kafka/message_set.h"
#include "wire/kafka/record_batch.h"

namespace penstock::broker {
namespace {

using Request = kafka::ProduceRequest;
using Response = kafka::ProduceResponse;

struct Refusal {
  KafkaError error;
  std::string message;
};

// One Produce on its way: answers when its last partition is settled.
class Producing {
 public:
  Producing(const Request& request, Reply<Response> reply)
      : reply_(std::move(reply)), silent_(request.acks == 0) {
    response_.topics.resize(request.topics.size());
    for (std::size_t t = 0; t < request.topics.size(); ++t) {
      response_.topics[t].name = request.topics[t].name;
      for (const auto& partition : request.topics[t].partitions)
        response_.topics[t].partitions.emplace_back().id = partition.id;
      unsettled_ += request.topics[t].partitions.size();
    }
    if (unsettled_ == 0) answer();
  }

  bool silent() const { return silent_; }

  void appended(std::size_t t, std::size_t p, const log::AppendResult& result) {
    auto& partition = response_.topics[t].partitions[p];
    partition.base_offset = result.base_offset;
    partition.log_append_time_ms = result.log_append_time;
    partition.log_start_offset = result.log_start_offset;
  }
  void refused(std::size_t t, std::size_t p, const Refusal& why) {
    auto& partition = response_.topics[t].partitions[p];
    partition.error = why.error;
    partition.base_offset = kafka::kNoOffset;
    partition.error_message = why.message;
    if (refusal_.empty())
      refusal_ = fmt::format("{}-{}: {}: {}", response_.topics[t].name, partition.id, why.error,
                             why.message);
    settled();
  }
  void settled() {
    if (--unsettled_ == 0) answer();
  }

 private:
  void answer() {
    if (!silent_) return reply_(std::move(response_));
    if (refusal_.empty()) return reply_.none();
    reply_.refuse("Produce with acks=0 failed: " + refusal_);
  }

  Reply<Response> reply_;
  Response response_;
  const bool silent_;
  std::size_t unsettled_ = 0;
  std::string refusal_;  // the first
};

const Refusal kNoTransactions{KafkaError::InvalidTxnState,
                              "transactions are not offered; produce without transactional.id"};

std::optional<Refusal> check_request(const Request& request) {
  if (request.acks < -1 || request.acks > 1)
    return Refusal{KafkaError::InvalidRequiredAcks, fmt::format("acks cannot be {}", request.acks)};
  if (request.transactional_id) return kNoTransactions;
  return std::nullopt;
}

// What depends on the request and not on the log. A batch that cannot be parsed is the log's to
// refuse.
std::optional<Refusal> check_batch(BytesView records, std::int16_t version) {
  const auto batch = kafka::RecordBatchView::parse(records);
  if (!batch) return std::nullopt;
  if (batch->transactional()) return kNoTransactions;
  if (batch->codec() == kafka::Codec::Zstd && version < 7)
    return Refusal{KafkaError::UnsupportedCompressionType, "zstd needs Produce v7"};
  return std::nullopt;
}

log::AppendResult refuse_append(const Refusal& why) {
  log::AppendResult refused;
  refused.error = why.error;
  refused.message = why.message;
  return refused;
}

log::AppendResult append(log::PartitionLog& log, const std::optional<BytesView>& records,
                         std::int16_t version) {
  if (!records || records->empty())
    return refuse_append({KafkaError::CorruptMessage, "no records"});
  if (version < 3 && kafka::is_message_set(*records)) {
    const auto converted = kafka::batch_from_message_set(*records);
    if (converted) return log.append(*converted);
    const bool unsupported = converted.error().code == Code::Unsupported;
    return refuse_append(
        {unsupported ? KafkaError::UnsupportedForMessageFormat : KafkaError::CorruptMessage,
         converted.error().message});
  }
  if (const auto refusal = check_batch(*records, version); refusal) return refuse_append(*refusal);
  return log.append(*records);
}

// Only a tool that says it is one may write where the broker keeps its own records, as with Kafka.
bool may_write(const TopicName& topic, const Caller& caller) {
  return topic.value() != kOffsetsTopic || caller.client_id == "__admin_client";
}

void produce(Node& node, const Caller& caller, const TopicName& topic,
             const Request::Topic::Partition& partition, std::int16_t version, std::size_t t,
             std::size_t p, const std::shared_ptr<Producing>& producing) {
  const auto log = node.logs().partition(topic, partition.id);
  if (!log) return producing->refused(t, p, {to_kafka(log.error()), log.error().message});
  if (!may_write(topic, caller))
    return producing->refused(
        t, p, {KafkaError::InvalidTopic, "the broker's own topic is not open to producers"});
  const log::AppendResult appended = append(**log, partition.records, version);
  if (!appended.ok()) return producing->refused(t, p, {appended.error, appended.message});
  producing->appended(t, p, appended);
  if (producing->silent()) return producing->settled();
  (*log)->when_durable(appended.last_offset + 1, [producing, t, p](const Result<void>& written) {
    if (written) return producing->settled();
    producing->refused(t, p, {to_kafka(written.error()), written.error().message});
  });
}

}  // namespace

void handle(Node& node, Call<kafka::ProduceRequest> call) {
  const Request& request = call.request;
  const auto refusal = check_request(request);
  const auto producing = std::make_shared<Producing>(request, std::move(call.reply));
  for (std::size_t t = 0; t < request.topics.size(); ++t)
    for (std::size_t p = 0; p < request.topics[t].partitions.size(); ++p) {
      if (refusal)
        producing->refused(t, p, *refusal);
      else
        produce(node, call.caller, request.topics[t].name, request.topics[t].partitions[p],
                call.version, t, p, producing);
    }
}

}  // namespace penstock::broker
