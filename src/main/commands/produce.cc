// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <iostream>
#include <memory>
#include <mutex>

#include "client/kafka_client.h"
#include "main/commands/commands.h"
#include "main/exit_code.h"
#include "main/progress_line.h"
#include "main/properties.h"
#include "main/targets.h"

namespace penstock::main_room {
namespace {

struct Options {
  Targets targets;
  std::string topic;
  std::vector<std::string> line_properties;
  std::vector<std::string> producer_properties;
  std::string acks = "all";
  std::string compression;
  bool sync = false;  // kafka-console-producer's; ours always waits for the acknowledgements
  bool json = false;
};

const std::vector<std::string> kLineProperties{
    "parse.key",         "key.separator",         "parse.headers", "headers.delimiter",
    "headers.separator", "headers.key.separator", "ignore.error",  "null.marker"};

// How a line becomes a record: kafka-console-producer's LineMessageReader.
class LineReader {
 public:
  explicit LineReader(const Properties& p)
      : parse_key_(flag(p, "parse.key", false)),
        parse_headers_(flag(p, "parse.headers", false)),
        ignore_error_(flag(p, "ignore.error", false)),
        key_separator_(property(p, "key.separator", "\t")),
        headers_delimiter_(property(p, "headers.delimiter", "\t")),
        headers_separator_(property(p, "headers.separator", ",")),
        header_key_separator_(property(p, "headers.key.separator", ":")),
        null_marker_(property(p, "null.marker", "")) {}

  // Views into `line`. An error says which part is missing; with ignore.error the rest is the
  // value.
  Result<client::ProducerRecord> read(std::string_view line) const {
    client::ProducerRecord record;
    const std::string_view whole = line;
    if (parse_headers_) {
      const std::size_t end = line.find(headers_delimiter_);
      if (end == std::string_view::npos) {
        if (!ignore_error_)
          return fail(Code::InvalidArgument, "no headers delimiter in the line '{}'", whole);
      } else {
        read_headers(line.substr(0, end), record);
        line.remove_prefix(end + headers_delimiter_.size());
      }
    }
    if (parse_key_) {
      const std::size_t end = line.find(key_separator_);
      if (end == std::string_view::npos) {
        if (!ignore_error_)
          return fail(Code::InvalidArgument, "no key separator in the line '{}'", whole);
      } else {
        record.key = or_null(line.substr(0, end));
        line.remove_prefix(end + key_separator_.size());
      }
    }
    record.value = or_null(line);
    return record;
  }

 private:
  std::optional<BytesView> or_null(std::string_view part) const {
    if (!null_marker_.empty() && part == null_marker_) return std::nullopt;
    return part;
  }
  void read_headers(std::string_view text, client::ProducerRecord& record) const {
    while (!text.empty()) {
      const std::string_view one = text.substr(0, text.find(headers_separator_));
      text.remove_prefix(std::min(one.size() + headers_separator_.size(), text.size()));
      const std::size_t colon = one.find(header_key_separator_);
      if (colon == std::string_view::npos) {
        record.headers.emplace_back(one, std::nullopt);
      } else {
        record.headers.emplace_back(one.substr(0, colon),
                                    or_null(one.substr(colon + header_key_separator_.size())));
      }
    }
  }

  bool parse_key_;
  bool parse_headers_;
  bool ignore_error_;
  std::string key_separator_;
  std::string headers_delimiter_;
  std::string headers_separator_;
  std::string header_key_separator_;
  std::string null_marker_;
};

// What became of the records; written on the client's thread.
struct Deliveries {
  std::atomic<std::uint64_t> failed{0};
  std::mutex mutex;
  std::optional<Error> first;

  void done(const Result<client::Delivery>& result) {
    if (result) return;
    const std::lock_guard lock(mutex);
    if (!first) first = result.error();
    ++failed;
  }
};

int send_lines(client::KafkaProducer& producer, const Options& options, const LineReader& reader) {
  const bool prompt = ::isatty(STDIN_FILENO) == 1;
  std::ios::sync_with_stdio(false);
  ProgressLine progress("records");
  Deliveries deliveries;
  std::uint64_t sent = 0;
  const TimePoint start = system_clock().now();
  if (prompt) fmt::print(stderr, ">");
  for (std::string line; std::getline(std::cin, line);) {
    auto record = reader.read(line);
    if (!record) return usage_error(record.error().message);
    record->topic = options.topic;
    const auto queued = producer.produce(
        *record,
        [&deliveries](const Result<client::Delivery>& result) { deliveries.done(result); });
    if (!queued) return failed(queued.error());
    ++sent;
    if (prompt) {
      fmt::print(stderr, ">");
    } else {
      progress.at(sent);
    }
  }
  if (const auto flushed = producer.flush(std::chrono::minutes(5)); !flushed)
    return failed(flushed.error());
  if (deliveries.failed > 0) {
    return failed(deliveries.first->with(
        fmt::format("{} of {} records were not delivered", deliveries.failed.load(), sent)));
  }
  if (options.json) {
    const double seconds = std::chrono::duration<double>(system_clock().now() - start).count();
    fmt::print("{{\"topic\":\"{}\",\"records\":{},\"seconds\":{:.3f}}}\n", options.topic, sent,
               seconds);
  }
  return kOk;
}

int produce(Options& options) {
  const auto line_properties =
      parse_properties(options.line_properties, "--property", kLineProperties);
  if (!line_properties) return usage_error(line_properties.error().message);
  auto producer_properties = parse_properties(options.producer_properties, "--producer-property");
  if (!producer_properties) return usage_error(producer_properties.error().message);
  if (!options.targets.find()) return kBadConfig;

  client::KafkaProducerConfig config;
  config.kafka.bootstrap_servers = options.targets.bootstrap_servers();
  config.kafka.client_id = "penstock-produce";
  config.compression = options.compression;
  if (options.acks != "all" && options.acks != "-1") {
    config.idempotent = false;
    config.kafka.properties["acks"] = options.acks;
  }
  config.kafka.properties.insert(producer_properties->begin(), producer_properties->end());

  // The producer itself would wait minutes for a broker; ask first, so that a wrong address shows
  // at once.
  const auto admin = client::KafkaAdmin::open(
      {.bootstrap_servers = config.kafka.bootstrap_servers, .properties = {}},
      std::chrono::seconds(5));
  if (!admin) return failed(admin.error());
  if (const auto there = (*admin)->cluster(); !there) {
    return failed(there.error().with("no Kafka answers at " + config.kafka.bootstrap_servers));
  }
  auto producer = client::KafkaProducer::open(config);
  if (!producer) return failed(producer.error());
  return send_lines(**producer, options, LineReader(*line_properties));
}

}  // namespace

Run add_produce(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->targets.add_config_flags(app);
  options->targets.add_kafka_flag(app);
  app.add_option("--topic,-t", options->topic, "Topic to send to")->required();
  app.add_option("--property,--reader-property", options->line_properties,
                 "How to read lines: parse.key, key.separator, parse.headers, headers.delimiter, "
                 "headers.separator, "
                 "headers.key.separator, null.marker, ignore.error")
      ->type_name("NAME=VALUE");
  app.add_option("--producer-property,--command-property,-X", options->producer_properties,
                 "A setting of the Kafka client (librdkafka's names)")
      ->type_name("NAME=VALUE");
  app.add_option("--request-required-acks", options->acks, "all, 1 or 0")
      ->check(CLI::IsMember({"all", "-1", "1", "0"}));
  app.add_option("--compression-codec", options->compression, "none, gzip, snappy, lz4 or zstd")
      ->check(CLI::IsMember({"none", "gzip", "snappy", "lz4", "zstd"}));
  app.add_flag("--sync", options->sync,
               "Accepted; every record is acknowledged before the command ends");
  app.add_flag("--json", options->json, "Say at the end how many were sent, as JSON");
  return [options] { return produce(*options); };
}

}  // namespace penstock::main_room
