// SPDX-License-Identifier: Apache-2.0
#include "main/console_tool_flags.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <span>

namespace penstock::main_room {
namespace {

// A number that librdkafka calls `property`, in units of `unit`.
struct Setting {
  const char* flag;
  const char* property;
  std::int64_t unit;
  const char* help;
};
constexpr Setting kProducerSettings[] = {
    {"--timeout", "linger.ms", 1, "How long a record waits for company, in ms"},
    {"--batch-size", "batch.size", 1, "Most bytes of a batch"},
    {"--max-partition-memory-bytes", "batch.size", 1, "Another name of --batch-size"},
    {"--max-memory-bytes", "queue.buffering.max.kbytes", 1024, "Most bytes that wait to be sent"},
    {"--request-timeout-ms", "request.timeout.ms", 1, "How long the broker may take to answer"},
    {"--message-send-max-retries", "retries", 1, "How often a batch is sent again"},
    {"--retry-backoff-ms", "retry.backoff.ms", 1, "The pause before it is sent again"},
    {"--metadata-expiry-ms", "topic.metadata.refresh.interval.ms", 1,
     "How often topics are looked up again"},
    {"--socket-buffer-size", "socket.send.buffer.bytes", 1, "TCP's send buffer, in bytes"},
};

struct Refused {
  const char* flag;
  const char* instead;
};
constexpr Refused kProducerRefused[] = {
    {"--line-reader",
     "lines are read as Kafka's LineMessageReader reads them, which --property "
     "steers; other readers are Java classes"},
    {"--version", "use `penstock version`"},
};
constexpr Refused kConsumerRefused[] = {
    {"--include", "name one topic with --topic; `penstock topic list` shows them"},
    {"--whitelist", "name one topic with --topic; `penstock topic list` shows them"},
    {"--formatter",
     "records are printed as Kafka's DefaultMessageFormatter prints them, which "
     "--property steers, or with --json; other formatters are Java classes"},
    {"--key-deserializer", "bytes are printed as they are; with --json in hex when not UTF-8"},
    {"--value-deserializer", "bytes are printed as they are; with --json in hex when not UTF-8"},
    {"--enable-systest-events", "`penstock group describe` shows a group's members and offsets"},
    {"--version", "use `penstock version`"},
};

void add_settings(CLI::App& app, std::span<const Setting> all, Properties& settings) {
  for (const Setting& setting : all) {
    app.add_option_function<std::int64_t>(
           setting.flag,
           [&settings, &setting](const std::int64_t& value) {
             settings[setting.property] = std::to_string((value + setting.unit - 1) / setting.unit);
           },
           setting.help)
        ->check(CLI::NonNegativeNumber)
        ->type_name("NUMBER");
  }
}

void refuse(CLI::App& app, std::span<const Refused> all) {
  for (const Refused& refused : all) {
    app.add_option_function<std::string>(
           refused.flag,
           [&refused](const std::string&) {
             throw CLI::ValidationError(refused.flag, refused.instead);
           },
           refused.instead)
        ->expected(0, 1)
        ->group("");  // not in the help
  }
}

}  // namespace

void add_console_producer_flags(CLI::App& app, Properties& settings) {
  add_settings(app, kProducerSettings, settings);
  refuse(app, kProducerRefused);
}

void add_console_consumer_flags(CLI::App& app, Properties& settings) {
  app.add_option_function<std::string>(
         "--isolation-level",
         [&settings](const std::string& level) { settings["isolation.level"] = level; },
         "read_committed or read_uncommitted")
      ->check(CLI::IsMember({"read_committed", "read_uncommitted"}));
  app.add_flag("--skip-message-on-error")
      ->description("Accepted; bytes are printed as they are, which cannot fail");
  refuse(app, kConsumerRefused);
}

std::string console_tool_flags_markdown() {
  std::string table = "| flag | of | what becomes of it |\n| --- | --- | --- |\n";
  const auto row = [&](const char* flag, const char* command, const std::string& fate) {
    table += fmt::format("| `{}` | `{}` | {} |\n", flag, command, fate);
  };
  for (const Setting& s : kProducerSettings)
    row(s.flag, "produce", fmt::format("librdkafka's `{}`", s.property));
  for (const Refused& r : kProducerRefused)
    row(r.flag, "produce", fmt::format("refused: {}", r.instead));
  row("--isolation-level", "consume", "librdkafka's `isolation.level`");
  row("--skip-message-on-error", "consume", "accepted; printing bytes cannot fail");
  for (const Refused& r : kConsumerRefused)
    row(r.flag, "consume", fmt::format("refused: {}", r.instead));
  return table;
}

}  // namespace penstock::main_room
