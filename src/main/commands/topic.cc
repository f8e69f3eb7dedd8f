// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <memory>

#include "main/commands/admin.h"
#include "main/commands/commands.h"
#include "main/exit_code.h"
#include "main/properties.h"

namespace penstock::main_room {
namespace {

struct Options {
  Targets targets;
  std::string name;
  std::int32_t partitions = -1;
  std::int32_t replication = -1;
  std::vector<std::string> configs;
  bool if_not_exists = false;
  bool if_exists = false;
  bool json = false;
};

using Admin = client::KafkaAdmin;

Result<void> list(const Admin& admin, const Options& options) {
  boost::json::array names;
  for (const client::TopicInfo& topic : TRY(admin.topics())) {
    if (options.json) {
      names.emplace_back(
          boost::json::object{{"name", topic.name}, {"partitions", topic.partitions.size()}});
    } else {
      fmt::print("{}\n", topic.name);
    }
  }
  if (options.json) fmt::print("{}\n", boost::json::serialize(names));
  return {};
}

Result<void> create(const Admin& admin, const Options& options) {
  const Properties configs = TRY(parse_properties(options.configs, "--config"));
  const auto created = admin.create_topic({.name = options.name,
                                           .partitions = options.partitions,
                                           .replication_factor = options.replication,
                                           .configs = configs});
  if (!created && !(created.error().code == Code::AlreadyExists && options.if_not_exists))
    return created;
  if (created) fmt::print("Created topic {}.\n", options.name);
  return {};
}

Result<void> remove(const Admin& admin, const Options& options) {
  const auto deleted = admin.delete_topic(options.name);
  if (!deleted && !(deleted.error().code == Code::NotFound && options.if_exists)) return deleted;
  if (deleted) fmt::print("Deleted topic {}.\n", options.name);
  return {};
}

void print_topic(const client::TopicInfo& topic, const std::map<std::string, std::string>& configs,
                 const std::map<std::int32_t, client::Watermarks>& marks) {
  std::string joined;
  for (const auto& [name, value] : configs)
    joined += (joined.empty() ? "" : ",") + name + "=" + value;
  const std::size_t replicas = topic.partitions.empty() ? 0 : topic.partitions[0].replicas.size();
  fmt::print("Topic: {}\tPartitionCount: {}\tReplicationFactor: {}\tConfigs: {}\n", topic.name,
             topic.partitions.size(), replicas, joined);
  for (const client::PartitionInfo& p : topic.partitions) {
    fmt::print("\tTopic: {}\tPartition: {}\tLeader: {}\tReplicas: {}\tIsr: {}", topic.name, p.id,
               p.leader, fmt::join(p.replicas, ","), fmt::join(p.in_sync, ","));
    if (const auto mark = marks.find(p.id); mark != marks.end()) {
      fmt::print("\tOffsets: {}..{}", mark->second.low, mark->second.high);
    }
    fmt::print("\n");
  }
}

boost::json::object topic_json(const client::TopicInfo& topic,
                               const std::map<std::string, std::string>& configs,
                               const std::map<std::int32_t, client::Watermarks>& marks) {
  boost::json::array partitions;
  for (const client::PartitionInfo& p : topic.partitions) {
    boost::json::object one{{"partition", p.id}, {"leader", p.leader}};
    if (const auto mark = marks.find(p.id); mark != marks.end()) {
      one["first_offset"] = mark->second.low;
      one["end_offset"] = mark->second.high;
    }
    partitions.push_back(std::move(one));
  }
  boost::json::object settings;
  for (const auto& [name, value] : configs) settings[name] = value;
  return {{"name", topic.name},
          {"partitions", std::move(partitions)},
          {"configs", std::move(settings)}};
}

Result<void> describe(const Admin& admin, const Options& options) {
  std::vector<client::TopicInfo> topics;
  if (options.name.empty()) {
    topics = TRY(admin.topics());
  } else {
    topics.push_back(TRY(admin.topic(options.name)));
  }
  boost::json::array all;
  for (const client::TopicInfo& topic : topics) {
    // A real broker may refuse settings or offsets to us; the rest is worth showing.
    const auto configs = admin.topic_configs(topic.name);
    std::map<std::int32_t, client::Watermarks> marks;
    for (const client::PartitionInfo& p : topic.partitions) {
      if (const auto mark = admin.watermarks({topic.name, p.id})) marks[p.id] = *mark;
    }
    const auto shown = configs ? *configs : std::map<std::string, std::string>{};
    if (options.json) {
      all.push_back(topic_json(topic, shown, marks));
    } else {
      print_topic(topic, shown, marks);
    }
  }
  if (options.json) fmt::print("{}\n", boost::json::serialize(all));
  return {};
}

using Action = Result<void> (*)(const Admin&, const Options&);

}  // namespace

Run add_topic(CLI::App& app) {
  auto options = std::make_shared<Options>();
  auto actions = std::make_shared<std::vector<std::pair<CLI::App*, Action>>>();
  const auto verb = [&](const char* name, const char* summary, Action action, bool name_required) {
    CLI::App* sub = app.add_subcommand(name, summary);
    options->targets.add_config_flags(*sub, "-c");
    options->targets.add_kafka_flag(*sub);
    if (action != list)
      sub->add_option("name,--topic", options->name, "Topic")->required(name_required);
    actions->emplace_back(sub, action);
    return sub;
  };
  verb("list", "Names of all topics", list, false)
      ->add_flag("--json", options->json, "As a JSON array");
  CLI::App* made = verb("create", "Create a topic", create, true);
  made->add_option("--partitions", options->partitions,
                   "Number of partitions (default: the broker's)");
  made->add_option("--replication-factor", options->replication, "Copies (default: the broker's)");
  made->add_option("--config", options->configs, "A setting of the topic")->type_name("NAME=VALUE");
  made->add_flag("--if-not-exists", options->if_not_exists, "Being there already is no failure");
  verb("describe", "Partitions, offsets and settings of one topic or all", describe, false)
      ->add_flag("--json", options->json, "As a JSON array");
  verb("delete", "Delete a topic and its records", remove, true)
      ->add_flag("--if-exists", options->if_exists, "Not being there is no failure");
  app.require_subcommand(1);
  return [options, actions] {
    for (const auto& [sub, action] : *actions) {
      if (!sub->parsed()) continue;
      return with_admin(options->targets, "penstock-topic",
                        [&](const Admin& admin) { return action(admin, *options); });
    }
    return static_cast<int>(kUsage);
  };
}

}  // namespace penstock::main_room
