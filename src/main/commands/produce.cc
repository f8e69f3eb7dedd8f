// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <boost/json.hpp>
#include <iostream>
#include <memory>
#include <mutex>

#include "client/kafka_client.h"
#include "main/commands/commands.h"
#include "main/console_tool_flags.h"
#include "main/exit_code.h"
#include "main/line_reader.h"
#include "main/progress_line.h"
#include "main/properties.h"
#include "main/targets.h"

namespace penstock::main_room {
namespace {

struct Options {
  Targets targets;
  std::string topic;
  std::vector<std::string> line_properties;
  std::string line_properties_file;
  std::vector<std::string> producer_properties;
  std::string producer_properties_file;
  Properties flag_settings;  // flags that stand for a property of the client
  std::string acks;
  std::string compression;
  std::int64_t max_block_ms = 5000;
  bool sync = false;  // kafka-console-producer's; ours always waits for the acknowledgements
  bool json = false;
};

// What became of the records. Written on the client's thread, which may still call after the
// command has given up: whoever counts shares it.
class Deliveries {
 public:
  void done(const Result<client::Delivery>& result) {
    if (result) {
      ++delivered_;
      return;
    }
    const std::lock_guard lock(mutex_);
    if (!first_error_) first_error_ = result.error();
  }
  std::uint64_t delivered() const { return delivered_; }
  std::optional<Error> first_error() const {
    const std::lock_guard lock(mutex_);
    return first_error_;
  }

 private:
  std::atomic<std::uint64_t> delivered_{0};
  mutable std::mutex mutex_;
  std::optional<Error> first_error_;
};

// Queues the lines of standard input until its end, or until one cannot be sent.
Result<void> queue_lines(client::KafkaProducer& producer, const Options& options,
                         const LineReader& reader, const std::shared_ptr<Deliveries>& deliveries,
                         std::uint64_t& queued) {
  const bool prompt = ::isatty(STDIN_FILENO) == 1;
  std::ios::sync_with_stdio(false);
  ProgressLine progress("records");
  if (prompt) fmt::print(stderr, ">");
  for (std::string line; std::getline(std::cin, line);) {
    const auto where = [&] { return fmt::format("line {}", queued + 1); };
    auto record = TRY_WITH(reader.read(line), where());
    record.topic = options.topic;
    TRY_WITH(producer.produce(record,
                              [deliveries](const Result<client::Delivery>& result) {
                                deliveries->done(result);
                              }),
             where());
    ++queued;
    if (prompt) {
      fmt::print(stderr, ">");
    } else {
      progress.at(queued);
    }
  }
  if (std::cin.bad()) return fail({Code::Io, "reading standard input failed"});
  return {};
}

int send_lines(client::KafkaProducer& producer, const Options& options, const LineReader& reader) {
  const TimePoint start = system_clock().now();
  const auto deliveries = std::make_shared<Deliveries>();
  std::uint64_t queued = 0;
  const Result<void> read = queue_lines(producer, options, reader, deliveries, queued);
  // What stands before a wrong line is sent all the same. No limit of ours: the client gives up
  // each record by itself, after message.timeout.ms.
  const Result<void> flushed = producer.flush(std::chrono::hours(24));
  const std::uint64_t delivered = deliveries->delivered();

  int code = kOk;
  if (!read) {
    const Error error = read.error();
    fmt::print(stderr, "penstock: {}; {} of the {} records before it were delivered\n",
               error.message, delivered, queued);
    code = error.code == Code::InvalidArgument ? kUsage : exit_code(error);
  }
  if (delivered < queued) {
    const Error why = deliveries->first_error().value_or(
        flushed ? Error{Code::Internal, "no report"} : flushed.error());
    code = failed(
        why.with(fmt::format("{} of {} records were not delivered", queued - delivered, queued)));
  }
  if (options.json) {
    const double seconds = std::chrono::duration<double>(system_clock().now() - start).count();
    const boost::json::object report{{"topic", options.topic},
                                     {"records", queued},
                                     {"delivered", delivered},
                                     {"seconds", seconds}};
    fmt::print("{}\n", boost::json::serialize(report));
  }
  return code;
}

// As in Kafka's tool a flag wins over --producer-property, which wins over the file.
Result<client::KafkaProducerConfig> producer_config(const Options& options) {
  client::KafkaProducerConfig config;
  config.kafka = options.targets.kafka(
      "penstock-produce",
      TRY(merge_properties(options.producer_properties_file, options.producer_properties,
                           "--producer-property")));
  Properties& properties = config.kafka.properties;
  for (const auto& [name, value] : options.flag_settings) properties[name] = value;
  if (!options.acks.empty()) properties["acks"] = options.acks;
  if (!options.compression.empty()) properties["compression.type"] = options.compression;

  // Neither fits an idempotent producer, which we are unless the user wants one of them.
  const std::string acks = property(properties, "acks", "all");
  const bool all_acks = acks == "all" || acks == "-1";
  config.idempotent = all_acks && property(properties, "retries", "1") != "0";
  return config;
}

int produce(Options& options) {
  const auto line_properties =
      merge_properties(options.line_properties_file, options.line_properties, "--property",
                       LineReader::property_names());
  if (!line_properties) return usage_error(line_properties.error().message);
  if (!options.targets.find()) return kBadConfig;
  const auto config = producer_config(options);
  if (!config) return usage_error(config.error().message);
  const auto producer = client::KafkaProducer::open(*config);
  if (!producer) return usage_error(producer.error().message);
  // The client would wait minutes for a broker; ask first, so that a wrong address shows at once.
  if (const auto there = (*producer)->wait_ready(Millis(options.max_block_ms)); !there) {
    return failed(there.error().with("no Kafka answers at " + config->kafka.bootstrap_servers));
  }
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
  app.add_option("--reader-config", options->line_properties_file, "The same from a file")
      ->type_name("FILE");
  app.add_option("--producer-property,--command-property,-X", options->producer_properties,
                 "A setting of the Kafka client (librdkafka's names)")
      ->type_name("NAME=VALUE");
  app.add_option("--producer.config,--command-config", options->producer_properties_file,
                 "The same from a file")
      ->type_name("FILE");
  app.add_option("--request-required-acks", options->acks, "all (the default), 1 or 0")
      ->check(CLI::IsMember({"all", "-1", "1", "0"}));
  app.add_option("--compression-codec", options->compression,
                 "none, gzip, snappy, lz4 or zstd; gzip when it is not said which")
      ->expected(0, 1)
      ->default_str("gzip")
      ->option_text("[CODEC]")
      ->check(CLI::IsMember({"none", "gzip", "snappy", "lz4", "zstd"}));
  app.add_option("--max-block-ms", options->max_block_ms, "How long to wait for the broker")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  add_console_producer_flags(app, options->flag_settings);
  app.add_flag("--sync", options->sync,
               "Accepted; every record is acknowledged before the command ends");
  app.add_flag("--json", options->json, "Say at the end how many were sent, as JSON");
  return [options] { return produce(*options); };
}

}  // namespace penstock::main_room
