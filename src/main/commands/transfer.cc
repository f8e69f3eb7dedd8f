// SPDX-License-Identifier: Apache-2.0
// penstock export and penstock import.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "client/cql_client.h"
#include "main/commands/commands.h"
#include "main/exit_code.h"
#include "main/progress_line.h"
#include "main/targets.h"
#include "net/loop.h"
#include "transfer/table_transfer.h"
#include "transfer/topic_transfer.h"

namespace penstock::main_room {
namespace {

struct Options {
  Targets targets;
  std::string name;
  std::string dir;
  std::string as;
  bool no_groups = false;
  bool json = false;
};

// Shows what a transfer is at: one line for each of its steps.
class Shown {
 public:
  transfer::Progress progress() {
    return {[this](std::string_view what, std::uint64_t done, std::uint64_t total) {
              if (what != what_) {
                line_.reset();
                what_ = what;
                line_.emplace(what_, total);
              }
              line_->at(done);
            },
            [this](const std::string& note) {
              if (line_) line_->clear();
              fmt::print(stderr, "penstock: {}\n", note);
            }};
  }
  void clear() { line_.reset(); }
  double seconds() const {
    return std::chrono::duration<double>(system_clock().now() - start_).count();
  }

 private:
  std::string what_;
  std::optional<ProgressLine> line_;
  TimePoint start_ = system_clock().now();
};

std::string plural(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

void print(const char* verb, const transfer::TopicSummary& summary, const Options& options,
           double seconds) {
  if (options.json) {
    fmt::print("{}\n",
               boost::json::serialize(boost::json::object{{"kind", "topic"},
                                                          {"name", summary.topic},
                                                          {"partitions", summary.partitions},
                                                          {"records", summary.records},
                                                          {"moved_now", summary.moved_now},
                                                          {"file_bytes", summary.file_bytes},
                                                          {"groups", summary.groups},
                                                          {"seconds", seconds}}));
    return;
  }
  fmt::print("{} topic {}: {} in {} ({} now), offsets of {}, {} bytes of files, {:.1f} s.\n", verb,
             summary.topic, plural(summary.records, "record"),
             plural(summary.partitions, "partition"), summary.moved_now,
             plural(summary.groups, "group"), summary.file_bytes, seconds);
}

void print(const char* verb, const transfer::TableSummary& summary, const Options& options,
           double seconds) {
  if (options.json) {
    fmt::print("{}\n", boost::json::serialize(
                           boost::json::object{{"kind", "table"},
                                               {"name", summary.table},
                                               {"rows", summary.rows},
                                               {"moved_now", summary.rows_now},
                                               {"expiring_cells", summary.expiring_cells},
                                               {"expired_cells", summary.expired_cells},
                                               {"file_bytes", summary.file_bytes},
                                               {"seconds", seconds}}));
    return;
  }
  fmt::print("{} table {}: {} ({} now), {} with a TTL ({} expired), {} bytes of files, {:.1f} s.\n",
             verb, summary.table, plural(summary.rows, "row"), summary.rows_now,
             plural(summary.expiring_cells, "cell"), summary.expired_cells, summary.file_bytes,
             seconds);
}

template <class Summary>
int ended(const char* verb, const Result<Summary>& summary, const Options& options, Shown& shown) {
  shown.clear();
  if (!summary) return failed(summary.error());
  print(verb, *summary, options, shown.seconds());
  return kOk;
}

int export_topic(Options& options) {
  if (!options.targets.find()) return kBadConfig;
  Shown shown;
  const auto summary = transfer::export_topic(
      posix_disk(), options.targets.kafka("penstock-export"),
      {.topic = options.name, .dir = options.dir, .groups = !options.no_groups}, shown.progress());
  return ended("Exported", summary, options, shown);
}

int import_topic(Options& options, const transfer::Manifest& manifest) {
  Shown shown;
  const auto summary = transfer::import_topic(
      posix_disk(), options.targets.kafka("penstock-import"), manifest,
      {.dir = options.dir, .as = options.as, .groups = !options.no_groups}, shown.progress());
  return ended("Imported", summary, options, shown);
}

// Runs `action` with a client of the store that the flags or the configuration name.
int with_store(Options& options, const std::function<int(client::CqlClient&)>& action) {
  auto configured = options.targets.cassandra();
  if (!configured) return usage_error(configured.error().message);
  client::CqlConfig config = *std::move(configured);
  // What is written is on a majority of the replicas, and so is what a read sees.
  config.consistency = cql::Consistency::LocalQuorum;
  net::Loops loops(1, "cql");
  Metrics metrics;
  const auto client = client::CqlClient::open(config, loops.at(0), metrics);
  if (const auto ready = client->wait_ready(std::chrono::seconds(5)); !ready) {
    return failed(
        ready.error().with("no CQL server answers at " + config.contact_points.front().text()));
  }
  const int code = action(*client);
  client->close();
  return code;
}

int export_table(Options& options) {
  if (!options.targets.find()) return kBadConfig;
  return with_store(options, [&](client::CqlClient& cql) {
    Shown shown;
    const auto summary = transfer::export_table(
        posix_disk(), cql, {.table = options.name, .dir = options.dir}, shown.progress());
    return ended("Exported", summary, options, shown);
  });
}

int import_table(Options& options, const transfer::Manifest& manifest) {
  return with_store(options, [&](client::CqlClient& cql) {
    Shown shown;
    const auto summary = transfer::import_table(
        posix_disk(), cql, manifest, {.dir = options.dir, .as = options.as}, shown.progress());
    return ended("Imported", summary, options, shown);
  });
}

int import_any(Options& options) {
  if (!options.targets.find()) return kBadConfig;
  const auto manifest = transfer::read_manifest(posix_disk(), options.dir);
  if (!manifest) return failed(manifest.error());
  if (std::holds_alternative<transfer::TableExport>(manifest->of))
    return import_table(options, *manifest);
  return import_topic(options, *manifest);
}

}  // namespace

Run add_export(CLI::App& app) {
  auto options = std::make_shared<Options>();
  const auto verb = [&](const char* name, const char* summary, const char* what) {
    CLI::App* sub = app.add_subcommand(name, summary);
    options->targets.add_config_flags(*sub);
    sub->add_option("name", options->name, what)->required();
    sub->add_option("--to", options->dir, "Folder; one with an unfinished export goes on")
        ->required()
        ->type_name("DIR");
    sub->add_flag("--json", options->json, "What was done, as JSON");
    return sub;
  };
  CLI::App* topic = verb("topic", "Records, settings and groups' offsets of a topic", "Topic");
  options->targets.add_kafka_flag(*topic);
  topic->add_flag("--no-groups", options->no_groups, "Without the groups' offsets");
  CLI::App* table =
      verb("table", "Rows of a table with their write times and TTLs", "KEYSPACE.TABLE");
  options->targets.add_cassandra_flag(*table);
  app.require_subcommand(1);
  return [options, table] {
    return table->parsed() ? export_table(*options) : export_topic(*options);
  };
}

Run add_import(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->targets.add_config_flags(app);
  options->targets.add_kafka_flag(app);
  options->targets.add_cassandra_flag(app);
  app.add_option("dir", options->dir, "Folder that penstock export has filled")
      ->required()
      ->type_name("DIR");
  app.add_option("--as", options->as, "Another name for the copy (KEYSPACE.TABLE for a table)")
      ->type_name("NAME");
  app.add_flag("--no-groups", options->no_groups, "Leave the groups' offsets alone");
  app.add_flag("--json", options->json, "What was done, as JSON");
  return [options] { return import_any(*options); };
}

}  // namespace penstock::main_room
