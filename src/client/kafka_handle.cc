// SPDX-License-Identifier: Apache-2.0
#include "client/kafka_handle.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/logging.h"

namespace penstock::client {
namespace {

constexpr std::string_view kRoom = "kafka";

Code code_of(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_INVALID_GROUP_ID:
    case RD_KAFKA_RESP_ERR_INVALID_REQUEST:
      return Code::InvalidArgument;
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND:
      return Code::NotFound;
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
      return Code::AlreadyExists;
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
      return Code::OutOfRange;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
      return Code::TooLarge;
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
      return Code::Unsupported;
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
      return Code::Timeout;
    case RD_KAFKA_RESP_ERR__DESTROY:
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
      return Code::Closed;
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST:
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP:
      return Code::Conflict;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      return Code::Unauthorized;
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
      return Code::Io;  // the broker's disk, one partition at a time
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR__BAD_MSG:
      return Code::Corrupt;
    case RD_KAFKA_RESP_ERR__FATAL:
      return Code::Internal;
    default:
      return Code::Unavailable;
  }
}

void forward_log(const rd_kafka_t*, int level, const char*, const char* text) {
  constexpr int kSyslogError = 3;
  constexpr int kSyslogWarning = 4;
  const LogLevel ours = level <= kSyslogError     ? LogLevel::Error
                        : level <= kSyslogWarning ? LogLevel::Warn
                                                  : LogLevel::Debug;
  if (log_enabled(ours)) log_line(ours, kRoom, text);
}

bool is_secret(std::string_view name) {
  for (const char* word : {"password", "secret", "key.pem", "token", "oauthbearer"})
    if (name.find(word) != std::string_view::npos) return true;
  return false;
}

}  // namespace

Result<void> check_properties(const std::map<std::string, std::string>& properties) {
  ConfBuilder conf({});
  for (const auto& [name, value] : properties) conf.set(name, value);
  return conf.state();
}

Error kafka_error(rd_kafka_resp_err_t error, std::string_view what, const char* words) {
  return {code_of(error), fmt::format("{}: {}", what, words)};
}
Error kafka_error(rd_kafka_resp_err_t error, std::string_view what) {
  return kafka_error(error, what, rd_kafka_err2str(error));
}

Result<void> kafka_result(rd_kafka_error_t* error, std::string_view what) {
  if (error == nullptr) return {};
  Error ours = kafka_error(rd_kafka_error_code(error), what, rd_kafka_error_string(error));
  rd_kafka_error_destroy(error);
  return fail(std::move(ours));
}

ConfBuilder::ConfBuilder(const KafkaConfig& config) : conf_(rd_kafka_conf_new()) {
  rd_kafka_conf_set_log_cb(conf_.get(), forward_log);
  set("bootstrap.servers", config.bootstrap_servers);
  set("client.id", config.client_id);
}

ConfBuilder& ConfBuilder::set(const std::string& name, const std::string& value) {
  std::array<char, 512> words{};
  if (state_ && rd_kafka_conf_set(conf_.get(), name.c_str(), value.c_str(), words.data(),
                                  words.size()) != RD_KAFKA_CONF_OK) {
    // librdkafka's words may repeat the value.
    state_ =
        is_secret(name)
            ? fail(Code::InvalidArgument, "kafka property {}: not a value for it", name)
            : fail(Code::InvalidArgument, "kafka property {}={}: {}", name, value, words.data());
  }
  return *this;
}

Result<HandlePtr> ConfBuilder::open(rd_kafka_type_t type, const KafkaConfig& config) {
  if (config.bootstrap_servers.empty())
    return fail(Code::InvalidArgument, "kafka: bootstrap_servers is empty");
  for (const auto& [name, value] : config.properties) set(name, value);
  if (!state_) return fail(state_.error());
  std::array<char, 512> words{};
  HandlePtr handle(rd_kafka_new(type, conf_.get(), words.data(), words.size()));
  if (handle == nullptr) return fail(Code::InvalidArgument, "kafka client: {}", words.data());
  conf_.release();  // the handle owns it now
  return handle;
}

PartitionListPtr to_list(std::span<const TopicPartitionOffset> partitions) {
  PartitionListPtr list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const TopicPartitionOffset& each : partitions) {
    rd_kafka_topic_partition_t* added =
        rd_kafka_topic_partition_list_add(list.get(), each.topic.c_str(), each.partition);
    added->offset = each.offset;
    if (each.metadata.empty()) continue;
    added->metadata = malloc(each.metadata.size());  // freed by the list
    std::copy(each.metadata.begin(), each.metadata.end(), static_cast<char*>(added->metadata));
    added->metadata_size = each.metadata.size();
  }
  return list;
}

PartitionListPtr to_list(std::span<const TopicPartition> partitions) {
  PartitionListPtr list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const TopicPartition& each : partitions)
    rd_kafka_topic_partition_list_add(list.get(), each.topic.c_str(), each.partition);
  return list;
}

std::vector<TopicPartitionOffset> from_list(const rd_kafka_topic_partition_list_t& list) {
  std::vector<TopicPartitionOffset> partitions;
  for (const rd_kafka_topic_partition_t& each :
       std::span(list.elems, static_cast<std::size_t>(list.cnt))) {
    partitions.push_back(
        {each.topic, each.partition, each.offset,
         std::string(static_cast<const char*>(each.metadata), each.metadata_size)});
  }
  return partitions;
}

Result<void> check_list(const rd_kafka_topic_partition_list_t& list, std::string_view what) {
  for (const rd_kafka_topic_partition_t& each :
       std::span(list.elems, static_cast<std::size_t>(list.cnt))) {
    if (each.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return fail(kafka_error(
          each.err, fmt::format("{} {}", what, text(TopicPartition{each.topic, each.partition}))));
    }
  }
  return {};
}

// rd_kafka_query_watermark_offsets() (2.0.2) takes its time limit for finding the leader only; when
// a leader that it knows is away, it waits for the request, which is a minute. Asking by time has a
// limit, and Kafka's own names for the ends are times.
Result<Watermarks> query_watermarks(rd_kafka_t* handle, const TopicPartition& partition,
                                    Duration timeout) {
  const std::string what = "watermarks of " + text(partition);
  const auto ask = [&](std::int64_t end) -> Result<std::int64_t> {
    const TopicPartitionOffset wanted{partition.topic, partition.partition, end, ""};
    const PartitionListPtr list = to_list(std::span(&wanted, 1));
    const rd_kafka_resp_err_t error =
        rd_kafka_offsets_for_times(handle, list.get(), to_millis(timeout));
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(kafka_error(error, what));
    TRY(check_list(*list, "watermarks of"));
    return list->elems[0].offset;
  };
  const std::int64_t high = TRY(ask(kOffsetLatest));
  const std::int64_t low = TRY(ask(kOffsetEarliest));
  if (low < 0 || high < 0) return fail(Code::Unavailable, "{}: the broker did not say", what);
  return Watermarks{low, std::max(low, high)};
}

std::string text(const TopicPartition& partition) {
  return fmt::format("{} [{}]", partition.topic, partition.partition);
}

int to_millis(Duration duration) {
  const auto millis = std::chrono::ceil<Millis>(duration).count();
  return static_cast<int>(std::clamp<std::int64_t>(millis, 0, std::numeric_limits<int>::max()));
}

}  // namespace penstock::client
