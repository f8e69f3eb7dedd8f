// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "main/commands/admin.h"
#include "main/commands/commands.h"
#include "main/exit_code.h"
#include "main/offset_reset.h"
#include "main/text_table.h"

namespace penstock::main_room {
namespace {

struct Options {
  Targets targets;
  std::string name;
  bool json = false;
  std::vector<std::string> topics;
  bool all_topics = false;
  bool to_earliest = false;
  bool to_latest = false;
  bool to_current = false;
  std::optional<std::int64_t> to_offset;
  std::optional<std::int64_t> shift_by;
  std::string to_datetime;
  bool dry_run = false;
  bool execute = false;
};

using Admin = client::KafkaAdmin;

// A partition that the group has an offset for or a member on.
struct Row {
  std::int64_t offset = client::kOffsetNone;
  std::int64_t begin = -1;
  std::int64_t end = -1;  // negative: the broker did not say
  const client::GroupMember* member = nullptr;

  bool lag_known() const { return offset >= 0 && end >= 0; }
  std::int64_t lag() const { return std::max<std::int64_t>(0, end - offset); }
  // There are records, and only the member knows where it begins.
  bool lag_hidden() const { return offset < 0 && end > begin; }
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
    const auto marks = admin.watermarks(partition);
    if (!marks) continue;  // a deleted topic has none
    row.begin = marks->low;
    row.end = marks->high;
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
  bool lag_hidden = false;
  for (const auto& [where, row] : rows) {
    lag_hidden = lag_hidden || row.lag_hidden();
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
  return boost::json::serialize(
             boost::json::object{{"group", group.id},
                                 {"state", group.state},
                                 {"assignor", group.assignor},
                                 {"members", std::move(members)},
                                 {"partitions", std::move(partitions)},
                                 {"lag", lag_hidden ? boost::json::value() : lag}}) +
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

// ---- reset-offsets

Result<OffsetReset> wanted_reset(const Options& options) {
  using Kind = OffsetReset::Kind;
  if (options.to_earliest) return OffsetReset{Kind::ToEarliest, 0};
  if (options.to_latest) return OffsetReset{Kind::ToLatest, 0};
  if (options.to_current) return OffsetReset{Kind::ToCurrent, 0};
  if (options.to_offset) return OffsetReset{Kind::ToOffset, *options.to_offset};
  if (options.shift_by) return OffsetReset{Kind::ShiftBy, *options.shift_by};
  return OffsetReset{Kind::ToDatetime, TRY(parse_datetime(options.to_datetime))};
}

// The partitions that the flags name; the group's own with --all-topics.
Result<std::vector<client::TopicPartition>> chosen_partitions(
    const Admin& admin, const Options& options,
    const std::map<client::TopicPartition, std::int64_t>& committed) {
  std::set<client::TopicPartition> chosen;
  for (const std::string& text : options.topics) {
    const TopicChoice choice = TRY(parse_topic_choice(text));
    const client::TopicInfo topic = TRY(admin.topic(choice.topic));
    std::set<std::int32_t> left(choice.partitions.begin(), choice.partitions.end());
    for (const client::PartitionInfo& partition : topic.partitions) {
      if (choice.partitions.empty() || left.erase(partition.id) > 0)
        chosen.insert({topic.name, partition.id});
    }
    if (!left.empty()) {
      return fail(Code::NotFound, "topic {} has no partition {}; it has {}", topic.name,
                  *left.begin(), topic.partitions.size());
    }
  }
  if (options.all_topics) {
    for (const auto& [partition, offset] : committed) chosen.insert(partition);
    if (chosen.empty())
      return fail(Code::NotFound, "group {} has no offsets; name the topics", options.name);
  }
  return std::vector<client::TopicPartition>(chosen.begin(), chosen.end());
}

struct Move {
  client::TopicPartitionOffset to;
  std::int64_t from = client::kOffsetNone;
};

Result<std::vector<Move>> plan_moves(const Admin& admin, const Options& options) {
  const OffsetReset reset = TRY(wanted_reset(options));
  std::map<client::TopicPartition, std::int64_t> committed;
  for (const auto& offset : TRY(admin.group_offsets(options.name)))
    committed[offset.topic_partition()] = offset.offset;
  const auto partitions = TRY(chosen_partitions(admin, options, committed));
  std::map<client::TopicPartition, std::int64_t> at;
  if (reset.kind == OffsetReset::Kind::ToDatetime) {
    for (const auto& found : TRY(admin.offsets_at(partitions, reset.number)))
      at[found.topic_partition()] = found.offset;
  }
  std::vector<Move> moves;
  for (const client::TopicPartition& partition : partitions) {
    OffsetFacts facts;
    if (const auto known = committed.find(partition); known != committed.end())
      facts.committed = known->second;
    facts.marks = TRY(admin.watermarks(partition));
    facts.at_datetime = at[partition];
    const NewOffset made = TRY_WITH(reset_offset(reset, facts),
                                    fmt::format("{}[{}]", partition.topic, partition.partition));
    if (made.moved) {
      fmt::print(stderr, "penstock: {}[{}]: the offset asked for is outside {} to {}; taking {}\n",
                 partition.topic, partition.partition, facts.marks.low, facts.marks.high,
                 made.offset);
    }
    moves.push_back({{partition.topic, partition.partition, made.offset, ""}, facts.committed});
  }
  return moves;
}

void print_moves(const std::vector<Move>& moves, const Options& options) {
  TextTable table({"GROUP", "TOPIC", "PARTITION", "OLD-OFFSET", "NEW-OFFSET"});
  boost::json::array partitions;
  for (const Move& move : moves) {
    table.add({options.name, move.to.topic, std::to_string(move.to.partition),
               move.from >= 0 ? std::to_string(move.from) : "-", std::to_string(move.to.offset)});
    boost::json::object one{
        {"topic", move.to.topic}, {"partition", move.to.partition}, {"new_offset", move.to.offset}};
    if (move.from >= 0) one["old_offset"] = move.from;
    partitions.push_back(std::move(one));
  }
  if (options.json) {
    fmt::print("{}\n",
               boost::json::serialize(boost::json::object{{"group", options.name},
                                                          {"executed", options.execute},
                                                          {"partitions", std::move(partitions)}}));
    return;
  }
  fmt::print("{}", table.text());
  if (!options.execute) fmt::print("\nNothing was changed; --execute does it.\n");
}

Result<void> reset_offsets(const Admin& admin, const Options& options) {
  const client::GroupInfo group = TRY(admin.group(options.name));
  if (group.state != "Empty" && group.state != "Dead") {
    return fail(Code::Conflict,
                "group {} is {} with {} members, who would go on from where they are; stop them "
                "first (a static member is counted until its session times out)",
                options.name, group.state, group.members.size());
  }
  const std::vector<Move> moves = TRY(plan_moves(admin, options));
  if (options.execute) {
    std::vector<client::TopicPartitionOffset> offsets;
    for (const Move& move : moves) offsets.push_back(move.to);
    TRY(admin.set_group_offsets(options.name, offsets));
  }
  print_moves(moves, options);
  return {};
}

void add_reset_flags(CLI::App& app, Options& options) {
  app.add_option("--topic", options.topics, "A topic, or some of its partitions; may be repeated")
      ->type_name("TOPIC[:0,1]");
  app.add_flag("--all-topics", options.all_topics,
               "Every partition that the group has an offset for")
      ->excludes("--topic");
  auto* where = app.add_option_group("where", "Where to; exactly one");
  where->add_flag("--to-earliest", options.to_earliest, "The first record there is");
  where->add_flag("--to-latest", options.to_latest, "The end");
  where->add_flag("--to-current", options.to_current,
                  "Where it is, or the nearest offset that the partition still has");
  where->add_option("--to-offset", options.to_offset, "This offset")->type_name("N");
  where->add_option("--shift-by", options.shift_by, "So many records on, or back")->type_name("N");
  where->add_option("--to-datetime", options.to_datetime, "The first record from this time on")
      ->type_name("YYYY-MM-DDTHH:MM:SS.sss[Z]");
  where->require_option(1);
  auto* dry = app.add_flag("--dry-run", options.dry_run, "Only show what would change (default)");
  app.add_flag("--execute", options.execute, "Do it")->excludes(dry);
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
    if (action == reset_offsets) add_reset_flags(*sub, *options);
    actions->emplace_back(sub, action);
  };
  verb("list", "Names and states of all groups", list);
  verb("describe", "Members, offsets and lag of a group", describe);
  verb("reset-offsets", "Set where an empty group goes on; shows it, and does it with --execute",
       reset_offsets);
  verb("delete", "Delete a group that has no members, with its offsets", remove);
  app.require_subcommand(1);
  return [options, actions] {
    for (const auto& [sub, action] : *actions) {
      if (!sub->parsed()) continue;
      if (action == reset_offsets && options->topics.empty() && !options->all_topics)
        return usage_error("group reset-offsets needs --topic TOPIC or --all-topics");
      return with_admin(options->targets, "penstock-group",
                        [&](const Admin& admin) { return action(admin, *options); });
    }
    return static_cast<int>(kUsage);
  };
}

}  // namespace penstock::main_room
