// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <boost/json.hpp>
#include <charconv>
#include <cstdio>
#include <memory>

#include "base/utf8.h"
#include "client/kafka_client.h"
#include "main/commands/commands.h"
#include "main/console_tool_flags.h"
#include "main/exit_code.h"
#include "main/properties.h"
#include "main/stop_signals.h"
#include "main/targets.h"
#include "net/loop.h"

namespace penstock::main_room {
namespace {

struct Options {
  Targets targets;
  std::string topic;
  std::string group;
  bool from_beginning = false;
  std::optional<std::int32_t> partition;
  std::string offset;
  std::uint64_t max_messages = 0;  // 0: no limit
  std::int64_t timeout_ms = -1;    // negative: wait for ever
  std::vector<std::string> properties;
  std::string properties_file;
  std::vector<std::string> consumer_properties;
  std::string consumer_properties_file;
  Properties flag_settings;  // flags that stand for a property of the client
  bool json = false;
};

const std::vector<std::string> kProperties{
    "print.key",     "print.value",   "print.timestamp", "print.partition",   "print.offset",
    "print.headers", "key.separator", "line.separator",  "headers.separator", "null.literal"};

// One record as kafka-console-consumer's DefaultMessageFormatter prints it, or as a line of JSON.
class Formatter {
 public:
  Formatter(const Properties& p, bool json)
      : json_(json),
        timestamp_(flag(p, "print.timestamp", false)),
        partition_(flag(p, "print.partition", false)),
        offset_(flag(p, "print.offset", false)),
        headers_(flag(p, "print.headers", false)),
        key_(flag(p, "print.key", false)),
        value_(flag(p, "print.value", true)),
        separator_(property(p, "key.separator", "\t")),
        line_separator_(property(p, "line.separator", "\n")),
        headers_separator_(property(p, "headers.separator", ",")),
        null_(property(p, "null.literal", "null")) {}

  void print(const client::KafkaBatch& batch, std::size_t i, std::string& out) const {
    if (json_) return print_json(batch, i, out);
    const client::KafkaRecord& record = batch[i];
    const std::size_t start = out.size();
    const auto part = [&](std::string_view text) {
      if (out.size() > start) out += separator_;
      out += text;
    };
    if (timestamp_) {
      part(record.timestamp_millis < 0 ? "NO_TIMESTAMP"
                                       : fmt::format("CreateTime:{}", record.timestamp_millis));
    }
    if (partition_) part(fmt::format("Partition:{}", record.partition));
    if (offset_) part(fmt::format("Offset:{}", record.offset));
    if (headers_) part(headers(batch, i));
    if (key_) part(record.has_key ? record.key : std::string_view(null_));
    if (value_) part(record.has_value ? record.value : std::string_view(null_));
    out += line_separator_;
  }

 private:
  std::string headers(const client::KafkaBatch& batch, std::size_t i) const {
    std::string text;
    for (const client::KafkaHeader& header : batch.headers(i)) {
      if (!text.empty()) text += headers_separator_;
      text += header.name;
      text += ':';
      text += header.value.value_or(null_);
    }
    return text.empty() ? "NO_HEADERS" : text;
  }

  // Bytes that are not UTF-8 cannot stand in JSON: they are given as hex under another name.
  static void add_bytes(boost::json::object& to, const std::string& name, bool present,
                        BytesView bytes) {
    if (!present) {
      to[name] = nullptr;
    } else if (is_utf8(bytes)) {
      to[name] = boost::json::string_view(bytes.data(), bytes.size());
    } else {
      std::string digits;
      for (const char byte : bytes)
        digits += fmt::format("{:02x}", static_cast<unsigned char>(byte));
      to[name + "_hex"] = digits;
    }
  }
  void print_json(const client::KafkaBatch& batch, std::size_t i, std::string& out) const {
    const client::KafkaRecord& record = batch[i];
    boost::json::object all{
        {"topic", boost::json::string_view(record.topic.data(), record.topic.size())},
        {"partition", record.partition},
        {"offset", record.offset},
        {"timestamp", record.timestamp_millis}};
    add_bytes(all, "key", record.has_key, record.key);
    add_bytes(all, "value", record.has_value, record.value);
    boost::json::object with;
    for (const client::KafkaHeader& header : batch.headers(i)) {
      add_bytes(with, std::string(header.name), header.value.has_value(),
                header.value.value_or(""));
    }
    if (!with.empty()) all["headers"] = std::move(with);
    out += boost::json::serialize(all);
    out += '\n';
  }

  bool json_, timestamp_, partition_, offset_, headers_, key_, value_;
  std::string separator_, line_separator_, headers_separator_, null_;
};

Result<std::int64_t> start_offset(const Options& options) {
  if (options.offset.empty())
    return options.from_beginning ? client::kOffsetEarliest : client::kOffsetLatest;
  if (options.offset == "earliest") return client::kOffsetEarliest;
  if (options.offset == "latest") return client::kOffsetLatest;
  std::int64_t offset = 0;
  const char* const end = options.offset.data() + options.offset.size();
  if (std::from_chars(options.offset.data(), end, offset).ptr != end || offset < 0) {
    return fail(Code::InvalidArgument, "--offset wants earliest, latest or a number, not '{}'",
                options.offset);
  }
  return offset;
}

Result<void> begin(client::KafkaConsumer& consumer, const Options& options, std::int64_t offset) {
  // Also for a group, which would wait for its broker without a word.
  const auto partitions = TRY(consumer.partitions(options.topic, std::chrono::seconds(5)));
  if (!options.group.empty()) return consumer.subscribe({options.topic}, [](client::Rebalance&) {});
  std::vector<client::TopicPartitionOffset> all;
  for (const std::int32_t partition : partitions) {
    if (options.partition && *options.partition != partition) continue;
    all.push_back(
        {.topic = options.topic, .partition = partition, .offset = offset, .metadata = {}});
  }
  if (all.empty()) {
    return fail(Code::NotFound, "topic {} has no partition {}", options.topic,
                options.partition.value_or(0));
  }
  return consumer.assign(all);
}

// Prints until the limit, the time-out or a signal.
Result<std::uint64_t> print_records(client::KafkaConsumer& consumer, const Options& options,
                                    const Formatter& formatter, const std::atomic<bool>& stopping) {
  std::uint64_t printed = 0;
  std::string out;
  TimePoint last = system_clock().now();
  while (!stopping && (options.max_messages == 0 || printed < options.max_messages)) {
    client::PollLimits limits;
    if (options.max_messages != 0) {
      limits.records_max =
          std::min<std::size_t>(limits.records_max, options.max_messages - printed);
    }
    limits.wait_max = options.timeout_ms < 0
                          ? Duration(std::chrono::minutes(1))
                          : last + Millis(options.timeout_ms) - system_clock().now();
    if (limits.wait_max <= Duration(0)) break;
    const client::KafkaBatch batch = TRY(consumer.poll(limits));
    if (batch.empty()) continue;
    last = system_clock().now();
    out.clear();
    std::map<client::TopicPartition, std::int64_t> next;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      formatter.print(batch, i, out);
      next[{std::string(batch[i].topic), batch[i].partition}] = batch[i].offset + 1;
    }
    printed += batch.size();
    if (std::fwrite(out.data(), 1, out.size(), stdout) != out.size() || std::fflush(stdout) != 0) {
      return fail(system_error(errno, "standard output"));
    }
    if (options.group.empty()) continue;
    std::vector<client::TopicPartitionOffset> done;
    for (const auto& [where, offset] : next) {
      done.push_back(
          {.topic = where.topic, .partition = where.partition, .offset = offset, .metadata = {}});
    }
    TRY(consumer.commit(done));
  }
  return printed;
}

int consume(Options& options) {
  const auto properties =
      merge_properties(options.properties_file, options.properties, "--property", kProperties);
  if (!properties) return usage_error(properties.error().message);
  auto consumer_properties = merge_properties(options.consumer_properties_file,
                                              options.consumer_properties, "--consumer-property");
  if (!consumer_properties) return usage_error(consumer_properties.error().message);
  for (const auto& [name, value] : options.flag_settings) (*consumer_properties)[name] = value;
  const auto offset = start_offset(options);
  if (!offset) return usage_error(offset.error().message);
  if (!options.group.empty() && (options.partition || !options.offset.empty())) {
    return usage_error("--group and --partition or --offset exclude each other");
  }
  if (!options.targets.find()) return kBadConfig;

  StopSignals signals;
  client::KafkaConsumerConfig config;
  config.kafka = options.targets.kafka("penstock-consume", *consumer_properties);
  config.group = options.group;
  config.start = options.from_beginning ? "earliest" : "latest";
  auto consumer = client::KafkaConsumer::open(config);
  if (!consumer) return usage_error(consumer.error().message);

  std::atomic<bool> stopping{false};
  Result<std::uint64_t> printed = 0;
  {
    net::BlockingPool watch(1, "signals");
    watch.run([&] {
      if (signals.wait() == 0) return;
      stopping = true;
      (*consumer)->wake();
    });
    if (const auto begun = begin(**consumer, options, *offset); !begun) {
      printed = fail(begun.error());
    } else {
      printed = print_records(**consumer, options, Formatter(*properties, options.json), stopping);
    }
    signals.release();
  }
  (*consumer)->close();
  if (!printed) return failed(printed.error());
  fmt::print(stderr, "Processed a total of {} messages\n", *printed);
  return kOk;
}

}  // namespace

Run add_consume(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->targets.add_config_flags(app);
  options->targets.add_kafka_flag(app);
  app.add_option("--topic,-t", options->topic, "Topic to read")->required();
  app.add_flag("--from-beginning", options->from_beginning,
               "Begin with the oldest record (default: with the next new one)");
  app.add_option("--max-messages,-n", options->max_messages, "End after so many records");
  app.add_option("--timeout-ms", options->timeout_ms, "End when nothing has come for so long");
  app.add_option("--group,-g", options->group,
                 "Read as a member of this group, and commit its offsets");
  app.add_option("--partition", options->partition, "Read this partition only");
  app.add_option("--offset", options->offset, "Where to begin: earliest, latest or a number");
  app.add_option("--property,--formatter-property", options->properties,
                 "What to print: print.key, print.value, print.timestamp, print.partition, "
                 "print.offset, print.headers, "
                 "key.separator, line.separator, headers.separator, null.literal")
      ->type_name("NAME=VALUE");
  app.add_option("--formatter-config", options->properties_file, "The same from a file")
      ->type_name("FILE");
  app.add_option("--consumer-property,--command-property,-X", options->consumer_properties,
                 "A setting of the Kafka client (librdkafka's names)")
      ->type_name("NAME=VALUE");
  app.add_option("--consumer.config,--command-config", options->consumer_properties_file,
                 "The same from a file")
      ->type_name("FILE");
  add_console_consumer_flags(app, options->flag_settings);
  app.add_flag("--json", options->json, "One JSON object a record");
  return [options] { return consume(*options); };
}

}  // namespace penstock::main_room
