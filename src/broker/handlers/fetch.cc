// SPDX-License-Identifier: Apache-2.0
// Fetch v4-v12. Answers at once when there is enough, or an error to tell; else when a partition's
// high watermark has moved far enough or max_wait is over, without polling. Sessions (KIP-227) are
// not kept: session id 0 tells the client to send full requests. Records count against the broker's
// memory until the client has taken them; an answer gets a share of what is left, and always its
// first batch.
#include "wire/kafka/messages/fetch.h"

#include <algorithm>

#include "broker/handlers/handlers.h"

namespace penstock::broker {
namespace {

using Request = kafka::FetchRequest;
using Response = kafka::FetchResponse;

// What one look at the logs found.
struct Look {
  Response response;
  std::int64_t bytes = 0;
  bool failed = false;  // some partition has an error: the client should hear it now
};

struct Limits {
  std::int64_t bytes_left;
  bool first = true;  // no records yet: the next batch comes whole, whatever its size (KIP-74)
};

KafkaError read_partition(Node& node, const TopicName& topic,
                          const Request::Topic::Partition& wanted, bool committed_only,
                          Limits& limits, Response::Topic::Partition& answer) {
  const auto log = node.logs().partition(topic, wanted.id);
  if (!log) return to_kafka(log.error());
  if (const KafkaError error = check_epoch(wanted.current_leader_epoch, **log);
      error != KafkaError::None)
    return error;
  const auto bytes_max = std::clamp<std::int64_t>(wanted.partition_max_bytes, 0,
                                                  std::max<std::int64_t>(limits.bytes_left, 0));
  auto read = (*log)->read(wanted.offset, static_cast<std::size_t>(bytes_max), limits.first);
  if (!read) return to_kafka(read.error());

  answer.high_watermark = answer.last_stable_offset =
      read->high_watermark;  // no transaction is ever open
  answer.log_start_offset = read->log_start_offset;
  if (committed_only) answer.aborted_transactions.emplace();
  limits.bytes_left -= static_cast<std::int64_t>(read->batches.size());
  if (!read->batches.empty()) limits.first = false;
  answer.records = std::move(read->batches);
  return KafkaError::None;
}

Look look(Node& node, const Request& request) {
  Look found;
  Limits limits{std::min({std::int64_t{request.max_bytes},
                          std::int64_t{node.config().fetch_max_bytes}, node.memory().share()})};
  const bool committed_only = request.isolation_level == kafka::IsolationLevel::ReadCommitted;
  for (const auto& topic : request.topics) {
    auto& topic_answer = found.response.topics.emplace_back();
    topic_answer.name = topic.name;
    for (const auto& wanted : topic.partitions) {
      auto& answer = topic_answer.partitions.emplace_back();
      answer.id = wanted.id;
      answer.high_watermark = kafka::kNoOffset;
      answer.records.emplace();
      answer.error = read_partition(node, topic.name, wanted, committed_only, limits, answer);
      if (answer.error != KafkaError::None) found.failed = true;
      found.bytes += static_cast<std::int64_t>(answer.records->size());
    }
  }
  return found;
}

// A Fetch that waits for records. Kept alive by Node::long_polls() until it has answered.
class WaitingFetch final : public LongPoll, public std::enable_shared_from_this<WaitingFetch> {
 public:
  WaitingFetch(Node& node, Request request, Reply<Response> reply)
      : node_(node), request_(std::move(request)), reply_(std::move(reply)) {}

  void start() {
    node_.long_polls().insert(shared_from_this());
    for (const auto& topic : request_.topics)
      for (const auto& partition : topic.partitions)
        if (auto log = node_.logs().partition(topic.name, partition.id); log) {
          const auto listener = (*log)->on_change([this] { look_soon(); });
          listening_.emplace_back(std::move(*log), listener);
        }
    timer_ = node_.loop().after(Millis(request_.max_wait_ms), [self = shared_from_this()] {
      self->timer_ = net::TimerId::None;
      self->finish();
    });
    reply_.when_gone([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->end();
    });
  }

  void finish() override {
    if (ended_) return;
    const auto alive = shared_from_this();
    end();
    reply_(look(node_, request_).response);
  }

 private:
  // One look for all that changes in this turn of the loop.
  void look_soon() {
    if (looking_) return;
    looking_ = true;
    node_.loop().post([weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self || self->ended_) return;
      self->looking_ = false;
      Look found = look(self->node_, self->request_);
      if (!found.failed && found.bytes < self->request_.min_bytes) return;
      self->end();
      self->reply_(std::move(found.response));
    });
  }

  void end() {
    ended_ = true;
    node_.loop().cancel(timer_);
    for (const auto& [log, listener] : listening_) log->remove_listener(listener);
    listening_.clear();
    node_.long_polls().erase(shared_from_this());
  }

  Node& node_;
  const Request request_;
  Reply<Response> reply_;
  std::vector<std::pair<std::shared_ptr<log::PartitionLog>, log::PartitionLog::ListenerId>>
      listening_;
  net::TimerId timer_ = net::TimerId::None;
  bool looking_ = false;
  bool ended_ = false;
};

}  // namespace

void handle(Node& node, Call<kafka::FetchRequest> call) {
  const Request& request = call.request;
  if (request.session_id != kafka::FetchSessionId(0)) {
    Response refused;
    refused.error = KafkaError::FetchSessionIdNotFound;
    return call.reply(std::move(refused));
  }
  Look found = look(node, request);
  const bool nothing_asked = std::ranges::all_of(
      request.topics, [](const auto& topic) { return topic.partitions.empty(); });
  if (found.failed || found.bytes >= request.min_bytes || request.max_wait_ms <= 0 ||
      nothing_asked || node.stopping())
    return call.reply(std::move(found.response));
  std::make_shared<WaitingFetch>(node, request, std::move(call.reply))->start();
}

}  // namespace penstock::broker
