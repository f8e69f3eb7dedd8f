// SPDX-License-Identifier: Apache-2.0
#include "broker/topic_configs.h"

#include <algorithm>
#include <charconv>
#include <vector>

namespace penstock::broker {
namespace {

using kafka::ConfigType;

// What a topic that sets it gets.
enum class Effect {
  Applied,
  None,  // kept and shown; the documentation says why
};

struct TopicKey {
  std::string_view name;
  ConfigType type;
  std::string_view broker_name;
  std::string_view fallback;  // Kafka's default
  std::int64_t least = INT64_MIN;
  std::string_view documentation;
  Effect effect = Effect::None;
};

constexpr std::string_view kMaxLong = "9223372036854775807";

constexpr TopicKey kTopicKeys[] = {
    {"cleanup.policy", ConfigType::List, "log.cleanup.policy", "delete", 0,
     "What happens to old records: delete, compact or both. Compacted topics are kept whole for "
     "now.",
     Effect::Applied},
    {"compression.type", ConfigType::String, "compression.type", "producer", 0,
     "Records stay as their producer compressed them."},
    {"delete.retention.ms", ConfigType::Long, "log.cleaner.delete.retention.ms", "86400000", 0,
     "Nothing is compacted yet."},
    {"file.delete.delay.ms", ConfigType::Long, "log.segment.delete.delay.ms", "60000", 0,
     "Files are removed at once."},
    {"flush.messages", ConfigType::Long, "log.flush.interval.messages", kMaxLong, 1,
     "What is acknowledged is on disk already."},
    {"flush.ms", ConfigType::Long, "log.flush.interval.ms", kMaxLong, 0,
     "What is acknowledged is on disk already."},
    {"follower.replication.throttled.replicas", ConfigType::List, "", "", 0,
     "One node has no followers."},
    {"index.interval.bytes", ConfigType::Int, "log.index.interval.bytes", "4096", 0,
     "Bytes of records between index entries.", Effect::Applied},
    {"leader.replication.throttled.replicas", ConfigType::List, "", "", 0,
     "One node has no followers."},
    {"max.compaction.lag.ms", ConfigType::Long, "log.cleaner.max.compaction.lag.ms", kMaxLong, 1,
     "Nothing is compacted yet."},
    {"max.message.bytes", ConfigType::Int, "message.max.bytes", "1048588", 0,
     "Largest record batch, as stored.", Effect::Applied},
    {"message.downconversion.enable", ConfigType::Boolean, "log.message.downconversion.enable",
     "true", 0, "Fetch below version 4, which would need it, is not served."},
    {"message.format.version", ConfigType::String, "log.message.format.version", "3.0-IV1", 0,
     "Records are always kept in batches of magic 2."},
    {"message.timestamp.difference.max.ms", ConfigType::Long,
     "log.message.timestamp.difference.max.ms", kMaxLong, 0, "Record timestamps are not bounded."},
    {"message.timestamp.type", ConfigType::String, "log.message.timestamp.type", "CreateTime", 0,
     "CreateTime or LogAppendTime.", Effect::Applied},
    {"min.cleanable.dirty.ratio", ConfigType::Double, "log.cleaner.min.cleanable.ratio", "0.5", 0,
     "Nothing is compacted yet."},
    {"min.compaction.lag.ms", ConfigType::Long, "log.cleaner.min.compaction.lag.ms", "0", 0,
     "Nothing is compacted yet."},
    {"min.insync.replicas", ConfigType::Int, "min.insync.replicas", "1", 1,
     "One node keeps one copy."},
    {"preallocate", ConfigType::Boolean, "log.preallocate", "false", 0,
     "Segments are not preallocated."},
    {"retention.bytes", ConfigType::Long, "log.retention.bytes", "-1", -1,
     "Largest size of a partition; -1: no limit.", Effect::Applied},
    {"retention.ms", ConfigType::Long, "log.retention.ms", "604800000", -1,
     "How long records are kept; -1: for ever.", Effect::Applied},
    {"segment.bytes", ConfigType::Int, "log.segment.bytes", "1073741824", 14,
     "Size at which a new segment file begins.", Effect::Applied},
    {"segment.index.bytes", ConfigType::Int, "log.index.size.max.bytes", "10485760", 12,
     "Largest index file.", Effect::Applied},
    {"segment.jitter.ms", ConfigType::Long, "log.roll.jitter.ms", "0", 0,
     "Segments are rolled without jitter."},
    {"segment.ms", ConfigType::Long, "log.roll.ms", "604800000", 1,
     "Age at which a new segment file begins.", Effect::Applied},
    {"unclean.leader.election.enable", ConfigType::Boolean, "unclean.leader.election.enable",
     "false", 0, "One node elects nobody."},
};

const TopicKey* find_key(std::string_view name) {
  const auto* found = std::ranges::find(kTopicKeys, name, &TopicKey::name);
  return found == std::end(kTopicKeys) ? nullptr : found;
}

template <class T>
std::optional<T> parse_number(std::string_view text) {
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::vector<std::string_view> list_items(std::string_view text) {
  std::vector<std::string_view> items;
  while (!text.empty()) {
    const auto comma = text.find(',');
    std::string_view item = text.substr(0, comma);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    items.push_back(item);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return items;
}

Result<void> check_choice(const TopicKey& key, std::string_view value) {
  const auto one_of = [&](std::initializer_list<std::string_view> choices) -> Result<void> {
    if (std::ranges::find(choices, value) != choices.end()) return {};
    return fail(Code::InvalidArgument, "{} cannot be '{}'; it may be {}", key.name, value,
                fmt::join(choices, ", "));
  };
  if (key.name == "compression.type")
    return one_of({"producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"});
  if (key.name == "message.timestamp.type") return one_of({"CreateTime", "LogAppendTime"});
  if (key.name == "cleanup.policy")
    for (const std::string_view item : list_items(value))
      if (item != "delete" && item != "compact")
        return fail(Code::InvalidArgument,
                    "cleanup.policy cannot hold '{}'; it may hold delete and compact", item);
  return {};
}

Result<void> check_whole_number(const TopicKey& key, std::string_view value, std::int64_t most) {
  const auto number = parse_number<std::int64_t>(value);
  if (!number)
    return fail(Code::InvalidArgument, "{} is a whole number, not '{}'", key.name, value);
  if (*number < key.least || *number > most)
    return fail(Code::InvalidArgument, "{} cannot be {}; the least is {}", key.name, value,
                key.least);
  return {};
}

}  // namespace

std::vector<ConfigEntry> topic_config_defaults(const BrokerConfig& config) {
  std::vector<ConfigEntry> entries;
  for (const TopicKey& key : kTopicKeys) {
    std::string value(key.fallback);
    if (key.name == "cleanup.policy") value = config.log_cleanup_policy;
    if (key.name == "index.interval.bytes") value = std::to_string(config.log_index_interval_bytes);
    if (key.name == "max.message.bytes") value = std::to_string(config.message_max_bytes);
    if (key.name == "message.timestamp.type") value = config.log_message_timestamp_type;
    if (key.name == "retention.bytes") value = std::to_string(config.log_retention_bytes);
    if (key.name == "retention.ms") value = std::to_string(config.log_retention_ms.count());
    if (key.name == "segment.bytes") value = std::to_string(config.log_segment_bytes);
    if (key.name == "segment.ms") value = std::to_string(config.log_roll_ms.count());
    entries.push_back({std::string(key.name), key.type, std::move(value),
                       std::string(key.broker_name), std::string(key.documentation)});
  }
  return entries;
}

std::vector<ConfigEntry> broker_config_entries(const BrokerConfig& config) {
  std::vector<ConfigEntry> entries;
  const auto add = [&](std::string name, ConfigType type, std::string value,
                       std::string documentation = "") {
    entries.push_back({std::move(name), type, std::move(value), "", std::move(documentation)});
  };
  const auto millis = [](auto duration) {
    return std::to_string(std::chrono::duration_cast<Millis>(duration).count());
  };
  if (!config.version.empty()) add("penstock.version", ConfigType::String, config.version);
  add("broker.id", ConfigType::Int, std::to_string(config.broker_id));
  add("node.id", ConfigType::Int, std::to_string(config.broker_id));
  add("num.partitions", ConfigType::Int, std::to_string(config.num_partitions));
  add("auto.create.topics.enable", ConfigType::Boolean,
      config.auto_create_topics_enable ? "true" : "false");
  add("delete.topic.enable", ConfigType::Boolean, config.delete_topic_enable ? "true" : "false");
  add("default.replication.factor", ConfigType::Int, "1");
  add("min.insync.replicas", ConfigType::Int, "1");
  add("compression.type", ConfigType::String, "producer");
  add("log.cleanup.policy", ConfigType::List, config.log_cleanup_policy);
  add("log.segment.bytes", ConfigType::Int, std::to_string(config.log_segment_bytes));
  add("log.roll.ms", ConfigType::Long, millis(config.log_roll_ms));
  add("log.retention.ms", ConfigType::Long, millis(config.log_retention_ms));
  add("log.retention.bytes", ConfigType::Long, std::to_string(config.log_retention_bytes));
  add("log.retention.check.interval.ms", ConfigType::Long,
      millis(config.log_retention_check_interval_ms));
  add("log.index.interval.bytes", ConfigType::Int, std::to_string(config.log_index_interval_bytes));
  add("log.message.timestamp.type", ConfigType::String, config.log_message_timestamp_type);
  add("message.max.bytes", ConfigType::Int, std::to_string(config.message_max_bytes));
  add("fetch.max.bytes", ConfigType::Int, std::to_string(config.fetch_max_bytes));
  add("group.initial.rebalance.delay.ms", ConfigType::Int,
      millis(config.group_initial_rebalance_delay_ms));
  add("group.min.session.timeout.ms", ConfigType::Int, millis(config.group_min_session_timeout_ms));
  add("group.max.session.timeout.ms", ConfigType::Int, millis(config.group_max_session_timeout_ms));
  add("group.max.size", ConfigType::Int, std::to_string(config.group_max_size));
  add("offsets.topic.num.partitions", ConfigType::Int,
      std::to_string(config.offsets_topic_num_partitions));
  add("offsets.topic.replication.factor", ConfigType::Short, "1");
  add("offsets.retention.minutes", ConfigType::Int,
      std::to_string(config.offsets_retention_minutes.count()));
  add("offsets.retention.check.interval.ms", ConfigType::Long,
      millis(config.offsets_retention_check_interval_ms));
  add("offset.metadata.max.bytes", ConfigType::Int,
      std::to_string(config.offset_metadata_max_bytes));
  add("producer.id.expiration.ms", ConfigType::Int, millis(config.producer_id_expiration_ms));
  add("socket.request.max.bytes", ConfigType::Int, std::to_string(config.socket_request_max_bytes));
  add("max.connections", ConfigType::Int, std::to_string(config.max_connections),
      "For each listener.");
  add("connections.max.idle.ms", ConfigType::Long, millis(config.connections_max_idle_ms));
  add("queued.max.request.bytes", ConfigType::Long,
      std::to_string(config.queued_max_request_bytes));
  return entries;
}

std::string topic_settings_markdown() {
  std::string text = "| topic setting | effect |\n| --- | --- |\n";
  for (const Effect effect : {Effect::Applied, Effect::None})
    for (const TopicKey& key : kTopicKeys)
      if (key.effect == effect)
        text += fmt::format("| {} | {}{} |\n", key.name, effect == Effect::None ? "none: " : "",
                            key.documentation);
  return text;
}

Result<void> check_topic_config(std::string_view name, const std::optional<std::string>& value) {
  const TopicKey* key = find_key(name);
  if (key == nullptr) return fail(Code::InvalidArgument, "unknown topic config name: {}", name);
  if (!value)
    return fail(Code::InvalidArgument, "null value not supported for topic config: {}", name);
  switch (key->type) {
    case ConfigType::Int:
      return check_whole_number(*key, *value, INT32_MAX);
    case ConfigType::Long:
      return check_whole_number(*key, *value, INT64_MAX);
    case ConfigType::Boolean:
      if (*value == "true" || *value == "false") return {};
      return fail(Code::InvalidArgument, "{} is true or false, not '{}'", name, *value);
    case ConfigType::Double:
      if (const auto ratio = parse_number<double>(*value); ratio && *ratio >= 0 && *ratio <= 1)
        return {};
      return fail(Code::InvalidArgument, "{} is a number from 0 to 1, not '{}'", name, *value);
    default:
      return check_choice(*key, *value);
  }
}

}  // namespace penstock::broker
