// SPDX-License-Identifier: Apache-2.0
#include "stream/generate.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <memory>

#include "client/kafka_client.h"
#include "main/commands/commands.h"
#include "main/exit_code.h"
#include "main/people_source.h"
#include "main/progress_line.h"
#include "main/stop_signals.h"
#include "main/targets.h"

namespace penstock::main_room {
namespace {

struct Options {
  Targets targets;
  std::string topic;
  std::uint64_t count = 0;
  double rate = 0;
  std::uint64_t seed = 1;
};

int to_stdout(const Options& options) {
  constexpr std::size_t kChunk = 1 << 20;
  stream::PeopleGenerator people(options.seed);
  Bytes json;
  Bytes out;
  out.reserve(kChunk + 1024);
  for (std::uint64_t made = 0; options.count == 0 || made < options.count; ++made) {
    people.next(json);
    out.append(json).push_back('\n');
    if (out.size() < kChunk && made + 1 != options.count) continue;
    if (std::fwrite(out.data(), 1, out.size(), stdout) != out.size())
      return failed(system_error(errno, "standard output"));
    out.clear();
  }
  return std::fflush(stdout) == 0 ? kOk : failed(system_error(errno, "standard output"));
}

int to_topic(Options& options) {
  if (!options.targets.find()) return kBadConfig;
  const std::string& servers = options.targets.bootstrap_servers();
  StopSignals signals;
  const auto admin =
      client::KafkaAdmin::open(options.targets.kafka("penstock-generate"), std::chrono::seconds(5));
  if (!admin) return failed(admin.error());
  if (const auto there = (*admin)->cluster(); !there)
    return failed(there.error().with("no Kafka answers at " + servers));

  ProgressLine progress("people", options.count);
  const PeopleOptions people{.kafka = options.targets.kafka("penstock-generate"),
                             .topic = options.topic,
                             .rate = options.rate,
                             .count = options.count,
                             .seed = options.seed};
  const auto source = PeopleSource::start(
      people, [&progress](std::uint64_t sent) { progress.at(sent); },
      [&signals] { signals.release(); });
  if (!source) return failed(source.error());
  signals.wait();
  (*source)->stop(std::chrono::minutes(1));
  progress.clear();
  const auto [sent, delivered, lost] = (*source)->counts();
  if (delivered < sent) {
    return failed(
        {Code::Io, fmt::format("{} of {} records were not delivered", sent - delivered, sent)});
  }
  fmt::print(stderr, "{} people sent to {}\n", sent, options.topic);
  return kOk;
}

}  // namespace

Run add_generate(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->targets.add_config_flags(app);
  options->targets.add_kafka_flag(app);
  app.add_option("--count,-n", options->count, "How many (default: without end)");
  app.add_option("--seed", options->seed, "The same seed makes the same people")
      ->capture_default_str();
  app.add_option("--topic,-t", options->topic, "Send to this topic instead of standard output");
  app.add_option("--rate", options->rate,
                 "Records a second to the topic (default: as fast as they are taken)");
  return [options] { return options->topic.empty() ? to_stdout(*options) : to_topic(*options); };
}

}  // namespace penstock::main_room
