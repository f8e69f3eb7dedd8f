// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <map>
#include <memory>

#include "main/commands/admin.h"
#include "main/commands/commands.h"
#include "main/exit_code.h"
#include "main/text_table.h"

namespace penstock::main_room {
namespace {

struct Options {
  Targets targets;
  std::string name;
  bool json = false;
};

using Admin = client::KafkaAdmin;

// A partition that the group has an offset for or a member on.
struct Row {
  std::int64_t offset = client::kOffsetNone;
  std::int64_t end = -1;  // negative: the broker did not say
  const client::GroupMember* member = nullptr;

  bool lag_known() const { return offset >= 0 && end >= 0; }
  std::int64_t lag() const { return std::max<std::int64_t>(0, end - offset); }
};
using Rows = std::map<client::TopicPartition, Row>;

Result<void> list(const Admin& admin, const Options& options) {
  TextTable table({"GROUP", "STATE"});
  boost::json::array all;
  for (const client::GroupListing& group : TRY(admin.groups())) {
    table.add({group.id, group.state});
    all.emplace_back(boost::json::object{{"group", group.id}, {"state", group.state}});
  }
  fmt::print("{}", options.json ? boost::json::serialize(all) + "\n" : table.text());
  return {};
}

Result<Rows> rows_of(const Admin& admin, const client::GroupInfo& group) {
  Rows rows;
  for (const client::TopicPartitionOffset& committed : TRY(admin.group_offsets(group.id))) {
    rows[committed.topic_partition()].offset = committed.offset;
  }
  for (const client::GroupMember& member : group.members) {
    for (const client::TopicPartition& partition : member.assignment)
      rows[partition].member = &member;
  }
  for (auto& [partition, row] : rows) {
    if (const auto marks = admin.watermarks(partition))
      row.end = marks->high;  // a deleted topic has none
  }
  return rows;
}

void print_group(const client::GroupInfo& group, const Rows& rows) {
  TextTable table({"GROUP", "TOPIC", "PARTITION", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG",
                   "CONSUMER-ID", "HOST", "CLIENT-ID"});
  for (const auto& [where, row] : rows) {
    table.add({group.id, where.topic, std::to_string(where.partition),
               row.offset >= 0 ? std::to_string(row.offset) : "-",
               row.end >= 0 ? std::to_string(row.end) : "-",
               row.lag_known() ? std::to_string(row.lag()) : "-",
               row.member != nullptr ? row.member->id : "-",
               row.member != nullptr ? row.member->host : "-",
               row.member != nullptr ? row.member->client_id : "-"});
  }
  fmt::print("Group {}: {}, {} members{}{}\n\n{}", group.id, group.state, group.members.size(),
             group.assignor.empty() ? "" : ", assignor ", group.assignor, table.text());
}

std::string group_json(const client::GroupInfo& group, const Rows& rows) {
  boost::json::array partitions;
  std::int64_t lag = 0;
  for (const auto& [where, row] : rows) {
    boost::json::object one{{"topic", where.topic}, {"partition", where.partition}};
    if (row.offset >= 0) one["offset"] = row.offset;
    if (row.end >= 0) one["end_offset"] = row.end;
    if (row.lag_known()) {
      one["lag"] = row.lag();
      lag += row.lag();
    }
    if (row.member != nullptr) one["member"] = row.member->id;
    partitions.push_back(std::move(one));
  }
  boost::json::array members;
  for (const client::GroupMember& member : group.members) {
    members.push_back({{"id", member.id},
                       {"instance", member.instance},
                       {"client_id", member.client_id},
                       {"host", member.host}});
  }
  return boost::json::serialize(boost::json::object{{"group", group.id},
                                                    {"state", group.state},
                                                    {"assignor", group.assignor},
                                                    {"members", std::move(members)},
                                                    {"partitions", std::move(partitions)},
                                                    {"lag", lag}}) +
         "\n";
}

Result<void> describe(const Admin& admin, const Options& options) {
  const client::GroupInfo group = TRY(admin.group(options.name));
  const Rows rows = TRY(rows_of(admin, group));
  if (group.state == "Dead" && rows.empty()) {
    return fail(Code::NotFound, "there is no group {}; penstock group list shows them",
                options.name);
  }
  if (options.json) {
    fmt::print("{}", group_json(group, rows));
  } else {
    print_group(group, rows);
  }
  return {};
}

Result<void> remove(const Admin& admin, const Options& options) {
  TRY(admin.delete_group(options.name));
  fmt::print("Deleted group {}.\n", options.name);
  return {};
}

using Action = Result<void> (*)(const Admin&, const Options&);

}  // namespace

Run add_group(CLI::App& app) {
  auto options = std::make_shared<Options>();
  auto actions = std::make_shared<std::vector<std::pair<CLI::App*, Action>>>();
  const auto verb = [&](const char* name, const char* summary, Action action) {
    CLI::App* sub = app.add_subcommand(name, summary);
    options->targets.add_config_flags(*sub);
    options->targets.add_kafka_flag(*sub);
    if (action != list) sub->add_option("name,--group", options->name, "Group")->required();
    if (action != remove) sub->add_flag("--json", options->json, "As JSON");
    actions->emplace_back(sub, action);
  };
  verb("list", "Names and states of all groups", list);
  verb("describe", "Members, offsets and lag of a group", describe);
  verb("delete", "Delete a group that has no members, with its offsets", remove);
  app.require_subcommand(1);
  return [options, actions] {
    for (const auto& [sub, action] : *actions) {
      if (!sub->parsed()) continue;
      return with_admin(options->targets, "penstock-group",
                        [&](const Admin& admin) { return action(admin, *options); });
    }
    return static_cast<int>(kUsage);
  };
}

}  // namespace penstock::main_room
