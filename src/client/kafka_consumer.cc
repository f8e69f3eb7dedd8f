// SPDX-License-Identifier: Apache-2.0
#include "client/kafka_consumer.h"

#include <algorithm>
#include <array>
#include <future>
#include <memory>
#include <mutex>
#include <vector>

#include "base/logging.h"
#include "client/kafka_handle.h"
#include "net/thread.h"

namespace penstock::client {
namespace {

// A shorter queue than this is no backlog.
constexpr std::size_t kBacklog = 2000;

// How long close() waits for the group's coordinator, once the partitions are given back, and then
// for the client's threads.
constexpr auto kLeaveMax = std::chrono::seconds(3);
constexpr auto kBuryMax = std::chrono::seconds(1);

// How long the request may take that only has to be made.
constexpr auto kNudge = Millis(100);

// How long commit() waits for the group's coordinator, which may be away.
constexpr auto kCommitMax = std::chrono::seconds(5);

// How long close() waits for a join that is under way.
constexpr auto kJoinMax = Millis(500);

// Errors that come by poll() and that nobody but a person can cure.
bool hopeless(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR__FATAL:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return true;
    default:
      return false;
  }
}

// Keeps it until the process ends, and never joins it.
void leave_behind(std::unique_ptr<net::Thread> thread) {
  static std::mutex mutex;
  static auto* const left = new std::vector<std::unique_ptr<net::Thread>>();
  const std::lock_guard lock(mutex);
  left->push_back(std::move(thread));
}

// Ends the client's threads. librdkafka (2.0.2) may wait for ever for one of them when a topic was
// deleted under it, or when brokers are away: such a client is left behind, with its thread.
void bury(rd_kafka_t* handle) {
  const auto done = std::make_shared<std::promise<void>>();
  auto ended = done->get_future();
  // Plain rd_kafka_destroy() closes once more, and may wait for ever for that answer.
  auto thread = std::make_unique<net::Thread>("kafka-end", [handle, done] {
    rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    done->set_value();
  });
  if (ended.wait_for(kBuryMax) == std::future_status::ready) return;
  log_warn("kafka", "a closed consumer does not end; its memory stays until the process ends");
  leave_behind(std::move(thread));
}

}  // namespace

struct KafkaConsumer::Impl {
  HandlePtr handle;
  QueuePtr queue;  // messages, rebalances and commit answers of the handle
  std::string instance;
  bool in_group = false;
  bool joining = false;  // subscribed, and not assigned anything yet
  bool closed = false;
  OnRebalance on_rebalance;
  std::size_t longest_queue = 0;  // since keep_fetching() last acted
  std::optional<Error> trouble;
  std::optional<Error> missing;  // a topic or partition that we read
  struct Collected {
    std::size_t records = 0;
    std::size_t ends = 0;
  };
  Collected collected;  // by the current poll
  struct Gone {
    TopicPartition partition;
    Collected before;
  };
  std::vector<Gone> gone_in_poll;  // revoked or lost amid it

  static void rebalance(rd_kafka_t* handle, rd_kafka_resp_err_t error,
                        rd_kafka_topic_partition_list_t* list, void* opaque);
  static void offset_commit(rd_kafka_t* handle, rd_kafka_resp_err_t error,
                            rd_kafka_topic_partition_list_t* offsets, void* opaque);
  static void error(rd_kafka_t* handle, int error, const char* reason, void* opaque);
  void assigned(rd_kafka_topic_partition_list_t& list);
  void revoked(rd_kafka_topic_partition_list_t& list);
  bool cooperative() const {
    return std::string_view(rd_kafka_rebalance_protocol(handle.get())) == "COOPERATIVE";
  }
  bool gone(const KafkaRecord& record, std::size_t place) const;
  bool gone(const TopicPartitionOffset& end, std::size_t place) const;
  Error fatal_error() const;
  void finish_joining();
  bool half_joined() const;
  void leave();
  // Puts the message into the batch, unless it tells of an end or an error.
  Result<void> collect(rd_kafka_message_t* message, KafkaBatch& batch);
  void keep_fetching(const rd_kafka_message_t& last);
};

void KafkaConsumer::Impl::assigned(rd_kafka_topic_partition_list_t& list) {
  joining = false;
  trouble.reset();
  Rebalance event{Rebalance::Kind::Assigned, from_list(list)};
  if (on_rebalance) on_rebalance(event);
  for (const TopicPartitionOffset& wanted : event.partitions) {
    if (wanted.offset == kOffsetNone) continue;
    rd_kafka_topic_partition_list_set_offset(&list, wanted.topic.c_str(), wanted.partition,
                                             wanted.offset);
  }
  if (cooperative()) {
    const auto done =
        kafka_result(rd_kafka_incremental_assign(handle.get(), &list), "assigning partitions");
    if (!done) log_error("kafka", "{}", done.error().message);
  } else {
    rd_kafka_assign(handle.get(), &list);
  }
}

void KafkaConsumer::Impl::revoked(rd_kafka_topic_partition_list_t& list) {
  const bool lost = rd_kafka_assignment_lost(handle.get()) != 0;
  Rebalance event{lost ? Rebalance::Kind::Lost : Rebalance::Kind::Revoked, from_list(list)};
  for (const TopicPartitionOffset& each : event.partitions)
    gone_in_poll.push_back({each.topic_partition(), collected});
  if (on_rebalance) on_rebalance(event);
  if (cooperative()) {
    const auto done =
        kafka_result(rd_kafka_incremental_unassign(handle.get(), &list), "giving partitions back");
    if (!done) log_error("kafka", "{}", done.error().message);
  } else {
    rd_kafka_assign(handle.get(), nullptr);
  }
}

void KafkaConsumer::Impl::rebalance(rd_kafka_t* handle, rd_kafka_resp_err_t error,
                                    rd_kafka_topic_partition_list_t* list, void* opaque) {
  auto& self = *static_cast<Impl*>(opaque);
  if (error == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    self.assigned(*list);
  } else if (error == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) {
    self.revoked(*list);
  } else {
    log_warn("kafka", "rebalancing failed, giving up the assignment: {}", rd_kafka_err2str(error));
    rd_kafka_assign(handle, nullptr);
  }
}

void KafkaConsumer::Impl::offset_commit(rd_kafka_t*, rd_kafka_resp_err_t error,
                                        rd_kafka_topic_partition_list_t* offsets, void* opaque) {
  if (opaque == nullptr) return;
  const std::unique_ptr<Function<void(Result<void>)>> done(
      static_cast<Function<void(Result<void>)>*>(opaque));
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR && offsets != nullptr)
    return (*done)(check_list(*offsets, "committing"));
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return (*done)({});
  (*done)(fail(kafka_error(error, "committing offsets")));
}

void KafkaConsumer::Impl::error(rd_kafka_t*, int error, const char* reason, void* opaque) {
  const auto code = static_cast<rd_kafka_resp_err_t>(error);
  log_warn("kafka", "consumer: {} ({})", reason, rd_kafka_err2name(code));
  auto& self = *static_cast<Impl*>(opaque);
  Error now = kafka_error(code, "reading", reason);
  if (now.code == Code::NotFound) {  // of an assigned partition it is only told here
    self.missing = std::move(now);
    return;
  }
  // A refused password is followed by "all brokers are down", which says less.
  auto& trouble = self.trouble;
  if (!trouble || trouble->code != Code::Unauthorized || now.code == Code::Unauthorized)
    trouble = std::move(now);
}

// What stands behind RD_KAFKA_RESP_ERR__FATAL.
Error KafkaConsumer::Impl::fatal_error() const {
  std::array<char, 512> words{};
  const rd_kafka_resp_err_t why = rd_kafka_fatal_error(handle.get(), words.data(), words.size());
  if (why == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID) {
    return {Code::AlreadyExists,
            fmt::format("another worker has come with our name in the group, '{}', and taken our "
                        "place; give each worker its own",
                        instance)};
  }
  return {Code::Internal, fmt::format("consuming: {}", words.data())};
}

bool KafkaConsumer::Impl::gone(const KafkaRecord& record, std::size_t place) const {
  return std::ranges::any_of(gone_in_poll, [&](const Gone& each) {
    return place < each.before.records && each.partition.partition == record.partition &&
           each.partition.topic == record.topic;
  });
}
bool KafkaConsumer::Impl::gone(const TopicPartitionOffset& end, std::size_t place) const {
  return std::ranges::any_of(gone_in_poll, [&](const Gone& each) {
    return place < each.before.ends && each.partition == end.topic_partition();
  });
}

Result<void> KafkaConsumer::Impl::collect(rd_kafka_message_t* message, KafkaBatch& batch) {
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    trouble.reset();
    batch.add(message);
    ++collected.records;
    return {};
  }
  const std::unique_ptr<rd_kafka_message_t, decltype(&rd_kafka_message_destroy)> told(
      message, rd_kafka_message_destroy);
  if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    batch.ends_.push_back(
        {rd_kafka_topic_name(message->rkt), message->partition, message->offset, {}});
    ++collected.ends;
    return {};
  }
  if (message->err == RD_KAFKA_RESP_ERR__FATAL ||
      message->err == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
    return fail(fatal_error());
  if (hopeless(message->err))
    return fail(kafka_error(message->err, "consuming", rd_kafka_message_errstr(message)));
  log_warn("kafka", "consumer: {}", rd_kafka_message_errstr(message));
  return {};
}

// librdkafka (before 2.2) stops fetching when its queue is full, and its broker thread then looks
// at the queue again only when it has something else to do, or after a second: a fast reader waits
// with nothing to read. Any request wakes the thread, so when half of a backlog is read we make
// one.
void KafkaConsumer::Impl::keep_fetching(const rd_kafka_message_t& last) {
  const std::size_t length = rd_kafka_queue_length(queue.get());
  longest_queue = std::max(longest_queue, length);
  if (longest_queue < kBacklog || length > longest_queue / 2) return;
  longest_queue = length;
  const TopicPartition partition{rd_kafka_topic_name(last.rkt), last.partition};
  static_cast<void>(query_watermarks(handle.get(), partition, kNudge));
}

KafkaConsumer::KafkaConsumer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KafkaConsumer::~KafkaConsumer() {
  close();
}

Result<std::unique_ptr<KafkaConsumer>> KafkaConsumer::open(const KafkaConsumerConfig& config) {
  auto impl = std::make_unique<Impl>();
  impl->in_group = !config.group.empty();
  impl->instance = config.group_instance;
  ConfBuilder conf(config.kafka);
  conf.set("group.id", impl->in_group ? config.group : "penstock-no-group")
      .set("enable.auto.commit", "false")
      .set("enable.auto.offset.store", "false")
      .set("enable.partition.eof", "true")
      .set("auto.offset.reset", config.start)
      // New partitions and topics are seen soon, not after librdkafka's five minutes.
      .set("topic.metadata.refresh.interval.ms", "5000")
      // Latency: the broker answers as soon as it has something; throughput: fetch ahead by size,
      // not by count.
      .set("fetch.wait.max.ms", "100")
      .set("queued.min.messages", "1000000")
      .set("queued.max.messages.kbytes", "131072")
      .set("partition.assignment.strategy",
           config.cooperative ? "cooperative-sticky" : "range,roundrobin");
  if (!config.group_instance.empty()) conf.set("group.instance.id", config.group_instance);
  rd_kafka_conf_set_opaque(conf.raw(), impl.get());
  rd_kafka_conf_set_rebalance_cb(conf.raw(), Impl::rebalance);
  rd_kafka_conf_set_error_cb(conf.raw(), Impl::error);
  impl->handle = TRY(conf.open(RD_KAFKA_CONSUMER, config.kafka));
  rd_kafka_poll_set_consumer(impl->handle.get());
  impl->queue.reset(rd_kafka_queue_get_consumer(impl->handle.get()));
  return std::unique_ptr<KafkaConsumer>(new KafkaConsumer(std::move(impl)));
}

Result<void> KafkaConsumer::subscribe(const std::vector<std::string>& topics,
                                      OnRebalance on_rebalance) {
  if (!impl_->in_group) return fail(Code::InvalidArgument, "subscribing needs a consumer group");
  impl_->on_rebalance = std::move(on_rebalance);
  const PartitionListPtr list(rd_kafka_topic_partition_list_new(static_cast<int>(topics.size())));
  for (const std::string& topic : topics)
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  const rd_kafka_resp_err_t error = rd_kafka_subscribe(impl_->handle.get(), list.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(kafka_error(error, "subscribing"));
  impl_->joining = true;
  return {};
}

Result<void> KafkaConsumer::assign(const std::vector<TopicPartitionOffset>& partitions) {
  const PartitionListPtr list = to_list(partitions);
  const rd_kafka_resp_err_t error = rd_kafka_assign(impl_->handle.get(), list.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(kafka_error(error, "assigning"));
  return {};
}

// One record a call: of many that librdkafka (2.0.2) collects in one call it throws away those of a
// partition that is paused meanwhile, which each rebalance does, and goes on behind them
// (docs/decisions/0099-one-record-a-call.md).
Result<KafkaBatch> KafkaConsumer::poll(const PollLimits& limits) {
  KafkaBatch batch;
  impl_->gone_in_poll.clear();
  impl_->collected = {};
  int wait = to_millis(limits.wait_max);
  while (batch.size() < limits.records_max && batch.bytes() < limits.bytes_max) {
    rd_kafka_message_t* message = rd_kafka_consume_queue(impl_->queue.get(), wait);
    if (message == nullptr) break;
    TRY(impl_->collect(message, batch));
    wait = 0;
  }
  if (impl_->missing) return fail(*std::exchange(impl_->missing, std::nullopt));
  if (!batch.messages_.empty()) impl_->keep_fetching(*batch.messages_.back());
  if (impl_->gone_in_poll.empty()) return batch;
  // A rebalance came in the middle: what was taken before it no longer belongs to us.
  KafkaBatch kept;
  for (std::size_t i = 0; i < batch.ends_.size(); ++i) {
    if (!impl_->gone(batch.ends_[i], i)) kept.ends_.push_back(std::move(batch.ends_[i]));
  }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!impl_->gone(batch[i], i)) kept.add(std::exchange(batch.messages_[i], nullptr));
  }
  std::erase(batch.messages_, nullptr);
  return kept;
}

void KafkaConsumer::wake() {
  rd_kafka_queue_yield(impl_->queue.get());
}

Result<void> KafkaConsumer::pause(const std::vector<TopicPartition>& partitions) {
  const PartitionListPtr list = to_list(partitions);
  rd_kafka_pause_partitions(impl_->handle.get(), list.get());
  return check_list(*list, "pausing");
}
Result<void> KafkaConsumer::resume(const std::vector<TopicPartition>& partitions) {
  const PartitionListPtr list = to_list(partitions);
  rd_kafka_resume_partitions(impl_->handle.get(), list.get());
  return check_list(*list, "resuming");
}

Result<void> KafkaConsumer::seek(const TopicPartitionOffset& to, Duration timeout) {
  const PartitionListPtr list = to_list(std::span(&to, 1));
  TRY(kafka_result(rd_kafka_seek_partitions(impl_->handle.get(), list.get(), to_millis(timeout)),
                   "seeking"));
  return check_list(*list, "seeking");
}

std::vector<TopicPartition> KafkaConsumer::assignment() const {
  rd_kafka_topic_partition_list_t* raw = nullptr;
  if (rd_kafka_assignment(impl_->handle.get(), &raw) != RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  const PartitionListPtr list(raw);
  std::vector<TopicPartition> partitions;
  for (const TopicPartitionOffset& each : from_list(*list))
    partitions.push_back(each.topic_partition());
  return partitions;
}

Result<std::vector<TopicPartitionOffset>> KafkaConsumer::position(
    const std::vector<TopicPartition>& partitions) const {
  const PartitionListPtr list = to_list(partitions);
  const rd_kafka_resp_err_t error = rd_kafka_position(impl_->handle.get(), list.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(kafka_error(error, "position"));
  return from_list(*list);
}

Result<std::vector<TopicPartitionOffset>> KafkaConsumer::committed(
    const std::vector<TopicPartition>& partitions, Duration timeout) const {
  const PartitionListPtr list = to_list(partitions);
  const rd_kafka_resp_err_t error =
      rd_kafka_committed(impl_->handle.get(), list.get(), to_millis(timeout));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return fail(kafka_error(error, "reading committed offsets"));
  TRY(check_list(*list, "committed offset of"));
  return from_list(*list);
}

Result<Watermarks> KafkaConsumer::watermarks(const TopicPartition& partition,
                                             Duration timeout) const {
  const Watermarks marks = TRY(query_watermarks(impl_->handle.get(), partition, timeout));
  impl_->trouble.reset();
  return marks;
}

std::optional<Error> KafkaConsumer::trouble() const {
  return impl_->trouble;
}

Result<Watermarks> KafkaConsumer::last_watermarks(const TopicPartition& partition) const {
  Watermarks marks;
  const rd_kafka_resp_err_t error = rd_kafka_get_watermark_offsets(
      impl_->handle.get(), partition.topic.c_str(), partition.partition, &marks.low, &marks.high);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return fail(kafka_error(error, "watermarks of " + text(partition)));
  if (marks.high < 0) return fail(Code::NotFound, "nothing was fetched of {} yet", text(partition));
  return marks;
}

Result<std::vector<std::int32_t>> KafkaConsumer::partitions(const std::string& topic,
                                                            Duration timeout) const {
  rd_kafka_topic_t* handle = rd_kafka_topic_new(impl_->handle.get(), topic.c_str(), nullptr);
  if (handle == nullptr) return fail(kafka_error(rd_kafka_last_error(), "topic " + topic));
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t error =
      rd_kafka_metadata(impl_->handle.get(), 0, handle, &metadata, to_millis(timeout));
  rd_kafka_topic_destroy(handle);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(kafka_error(error, "metadata of " + topic));
  const rd_kafka_metadata_topic& found = metadata->topics[0];
  std::vector<std::int32_t> ids;
  for (int i = 0; i < found.partition_cnt; ++i) ids.push_back(found.partitions[i].id);
  const rd_kafka_resp_err_t topic_error = found.err;
  rd_kafka_metadata_destroy(metadata);
  if (topic_error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return fail(kafka_error(topic_error, "topic " + topic));
  return ids;
}

Result<void> KafkaConsumer::commit(const std::vector<TopicPartitionOffset>& offsets) {
  if (offsets.empty()) return {};
  const PartitionListPtr list = to_list(offsets);
  // rd_kafka_commit() would wait for an absent coordinator as long as a session lasts.
  const QueuePtr answers(rd_kafka_queue_new(impl_->handle.get()));
  rd_kafka_resp_err_t error =
      rd_kafka_commit_queue(impl_->handle.get(), list.get(), answers.get(), nullptr, nullptr);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(kafka_error(error, "committing offsets"));
  const EventPtr event(rd_kafka_queue_poll(answers.get(), to_millis(kCommitMax)));
  if (event == nullptr)
    return fail(Code::Timeout, "committing offsets: the group's coordinator does not answer");
  error = rd_kafka_event_error(event.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(kafka_error(error, "committing offsets"));
  const auto* committed = rd_kafka_event_topic_partition_list(event.get());
  return committed == nullptr ? Result<void>() : check_list(*committed, "committing");
}

void KafkaConsumer::commit_async(const std::vector<TopicPartitionOffset>& offsets,
                                 Function<void(Result<void>)> done) {
  auto* kept = new Function<void(Result<void>)>(std::move(done));  // freed by offset_commit()
  const PartitionListPtr list = to_list(offsets);
  const rd_kafka_resp_err_t error = rd_kafka_commit_queue(
      impl_->handle.get(), list.get(), impl_->queue.get(), Impl::offset_commit, kept);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) Impl::offset_commit(nullptr, error, nullptr, kept);
}

// librdkafka (2.0.2) must not leave a group between its first JoinGroup and the SyncGroup that
// follows: it then hangs, or fails an assertion about the assignor's state, which is not there yet.
void KafkaConsumer::Impl::finish_joining() {
  if (!joining) return;
  on_rebalance = nullptr;  // nobody wants what may come
  const TimePoint until = system_clock().now() + kJoinMax;
  while (joining && system_clock().now() < until) {
    rd_kafka_message_t* message =
        rd_kafka_consumer_poll(handle.get(), to_millis(until - system_clock().now()));
    if (message != nullptr) rd_kafka_message_destroy(message);
  }
}

// A member that is known to the group and was never assigned anything. librdkafka (2.0.2) aborts
// the process when such a one is destroyed: the assignor has no state yet.
bool KafkaConsumer::Impl::half_joined() const {
  if (!joining) return false;
  char* id = rd_kafka_memberid(handle.get());
  const bool known = id != nullptr && *id != '\0';
  if (id != nullptr) rd_kafka_mem_free(handle.get(), id);
  return known;
}

// Leaves the group, as far as the coordinator takes part.
void KafkaConsumer::Impl::leave() {
  rd_kafka_error_t* error = rd_kafka_consumer_close_queue(handle.get(), queue.get());
  if (const auto begun = kafka_result(error, "leaving the group"); !begun) return;
  const TimePoint until = system_clock().now() + kLeaveMax;
  while (rd_kafka_consumer_closed(handle.get()) == 0 && system_clock().now() < until) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(handle.get(), 100);
    if (message != nullptr) rd_kafka_message_destroy(message);
  }
}

void KafkaConsumer::close() {
  if (std::exchange(impl_->closed, true)) return;
  impl_->finish_joining();
  const bool half_joined = impl_->half_joined();
  impl_->leave();
  impl_->queue.reset();
  if (half_joined) {
    log_warn("kafka",
             "a consumer was closed amid its join; its memory stays until the process ends");
    static_cast<void>(impl_->handle.release());
  } else {
    bury(impl_->handle.release());
  }
}

}  // namespace penstock::client
