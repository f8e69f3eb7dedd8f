// SPDX-License-Identifier: Apache-2.0
#include "broker/group_coordinator/group_coordinator.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <sstream>

// Transcripts: testdata/*.txt hold commands ("> join a ...") and what the coordinator answered
// below each. Run with REWRITE_TRANSCRIPTS=1 to write the answers anew, and read the diff.
//
//   > config initial_delay=3s max_size=2 min_session=6s     before anything else
//   > join a [client=..] [member=..] [instance=..] [protocols=range:x,rr:y] [session=10s]
//   [rebalance=60s] [type=consumer]
//            [known] [skip]                 "known" and "skip" are what JoinGroup v4+ and v9+ ask
//            for
//   > sync a [assign=a:bytes,b:bytes]   > heartbeat a   > leave a [b ...]   > kick instance
//   > commit a users-0=5:note ...       > fetch        > describe        > list      > delete     >
//   delete_topic users > advance 10s                       > expire        > hold / release [fail]
//   > restart
//
// Actors (a, b) remember the member id and generation that they were last told; `as a` makes an
// actor use another's.
namespace penstock::broker {
namespace {

struct Actor {
  MemberId member;
  Generation generation{-1};
  std::optional<InstanceId> instance;
};

Millis parse_duration(const std::string& text) {
  const long number = std::strtol(text.c_str(), nullptr, 10);
  if (text.ends_with("ms")) return Millis(number);
  if (text.ends_with("m")) return std::chrono::minutes(number);
  if (text.ends_with("h")) return std::chrono::hours(number);
  return std::chrono::seconds(number);
}

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, by);)
    if (!part.empty()) parts.push_back(part);
  return parts;
}

class Play {
 public:
  std::string run(const std::string& script) {
    std::istringstream in(script);
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("> ")) {
        out_ += line + "\n";
        command(split(line.substr(2), ' '));
      } else if (line.empty() || line.starts_with("#")) {
        out_ += line + "\n";
      }
    }
    return out_;
  }

 private:
  GroupCoordinator& coordinator() {
    if (!coordinator_) {
      coordinator_ =
          std::make_unique<GroupCoordinator>(config_, [this] { return std::to_string(++ids_); });
      for (const auto& record : disk_) coordinator_->load(record);
      coordinator_->loaded(now());
    }
    return *coordinator_;
  }
  Now now() const { return {clock_.now(), clock_.wall_millis()}; }

  void command(const std::vector<std::string>& words) {
    std::map<std::string, std::string> options;
    std::vector<std::string> names;
    for (std::size_t i = 1; i < words.size(); ++i) {
      const auto equals = words[i].find('=');
      if (equals == std::string::npos)
        names.push_back(words[i]);
      else
        options[words[i].substr(0, equals)] = words[i].substr(equals + 1);
    }
    const std::string& verb = words[0];
    Actions actions;
    if (verb == "config") configure(options);
    if (verb == "join") join(names, options, actions);
    if (verb == "sync") sync(names, options, actions);
    if (verb == "heartbeat") {
      const Actor& actor = actors_[names.at(0)];
      say("{}: heartbeat {}", names[0],
          coordinator().heartbeat({group_, actor.generation, actor.member, actor.instance}, now()));
    }
    if (verb == "leave") leave(names, actions);
    if (verb == "kick") {
      const auto result =
          coordinator().leave({group_, {{MemberId(), InstanceId(names.at(0))}}}, now(), actions);
      say("{}: removed {}", names[0], result.members.at(0));
    }
    if (verb == "commit") commit(names, options, actions);
    if (verb == "fetch") fetch();
    if (verb == "describe") describe();
    if (verb == "list")
      for (const auto& listed : coordinator().list())
        say("{} type={} {}", listed.id, listed.protocol_type, name(listed.state));
    if (verb == "delete") coordinator().remove_group(wait_as("delete"), group_, actions);
    if (verb == "delete_topic") coordinator().remove_topic(TopicName(names.at(0)), actions);
    if (verb == "expire") coordinator().expire_offsets(now(), actions);
    if (verb == "hold") hold_ = true;
    if (verb == "release") release(names.empty() ? KafkaError::None : KafkaError::NotCoordinator);
    if (verb == "restart") coordinator_.reset();
    if (verb == "advance") advance(parse_duration(names.at(0)));
    tell(std::move(actions));
  }

  void configure(std::map<std::string, std::string>& options) {
    if (options.contains("initial_delay"))
      config_.group_initial_rebalance_delay_ms = parse_duration(options["initial_delay"]);
    if (options.contains("max_size")) config_.group_max_size = std::stoi(options["max_size"]);
  }

  Waiter wait_as(const std::string& who) {
    const auto waiter = static_cast<Waiter>(++last_waiter_);
    waiting_[waiter] = who;
    return waiter;
  }

  void join(const std::vector<std::string>& names, std::map<std::string, std::string>& options,
            Actions& actions) {
    Actor& actor = actors_[names.at(0)];
    JoinRequest request;
    request.group = options.contains("group") ? GroupId(options["group"]) : group_;
    if (options.contains("instance")) actor.instance = InstanceId(options["instance"]);
    if (options.contains("member"))
      actor.member = options["member"] == "none" ? MemberId() : MemberId(options["member"]);
    request.member = actor.member;
    request.instance = actor.instance;
    request.client_id = options.contains("client") ? options["client"] : names[0];
    request.client_host = "/127.0.0.1";
    request.session_timeout =
        parse_duration(options.contains("session") ? options["session"] : "10s");
    request.rebalance_timeout =
        parse_duration(options.contains("rebalance") ? options["rebalance"] : "60s");
    request.protocol_type = options.contains("type") ? options["type"] : "consumer";
    for (const auto& each :
         split(options.contains("protocols") ? options["protocols"] : "range:" + names[0], ',')) {
      const auto colon = each.find(':');
      request.protocols.push_back({each.substr(0, colon), each.substr(colon + 1)});
    }
    for (const auto& flag : names) {
      if (flag == "known") request.requires_known_member_id = true;
      if (flag == "skip") request.supports_skip_assignment = true;
    }
    coordinator().join(wait_as(names[0]), request, now(), actions);
  }

  void sync(const std::vector<std::string>& names, std::map<std::string, std::string>& options,
            Actions& actions) {
    const Actor& actor = actors_[names.at(0)];
    SyncRequest request{.group = group_,
                        .generation = actor.generation,
                        .member = actor.member,
                        .instance = actor.instance,
                        .protocol_type = {},
                        .protocol = {},
                        .assignments = {}};
    if (options.contains("generation"))
      request.generation = Generation(std::stoi(options["generation"]));
    if (options.contains("protocol")) request.protocol = options["protocol"];
    for (const auto& each : split(options["assign"], ',')) {
      const auto colon = each.find(':');
      request.assignments.push_back(
          {actors_[each.substr(0, colon)].member, each.substr(colon + 1)});
    }
    coordinator().sync(wait_as(names[0]), request, now(), actions);
  }

  void leave(const std::vector<std::string>& names, Actions& actions) {
    LeaveRequest request{group_, {}};
    for (const auto& who : names)
      request.members.push_back({actors_[who].member, actors_[who].instance});
    const LeaveResult result = coordinator().leave(request, now(), actions);
    if (result.error != KafkaError::None) say("leave {}", result.error);
    for (std::size_t i = 0; i < result.members.size(); ++i)
      say("{}: left {}", names[i], result.members[i]);
  }

  void commit(const std::vector<std::string>& names,
              const std::map<std::string, std::string>& options, Actions& actions) {
    const Actor& actor = actors_[names.at(0)];
    CommitRequest request{group_, actor.generation, actor.member, actor.instance, {}};
    for (const auto& [key, value] : options) {
      const auto dash = key.rfind('-');
      const auto colon = value.find(':');
      CommitRequest::Entry entry;
      entry.partition = {TopicName(key.substr(0, dash)),
                         PartitionId(std::stoi(key.substr(dash + 1)))};
      entry.offset.offset = Offset(std::stol(value));
      if (colon != std::string::npos) entry.offset.metadata = value.substr(colon + 1);
      if (entry.offset.metadata == "LONG") entry.offset.metadata = std::string(5000, 'x');
      request.entries.push_back(entry);
    }
    coordinator().commit(wait_as(names[0]), request, now(), actions);
  }

  void fetch() {
    const auto* offsets = coordinator().committed(group_);
    if (offsets == nullptr || offsets->empty()) return say("no offsets");
    for (const auto& [partition, offset] : *offsets)
      say("{}-{} at {} {}", partition.topic, partition.partition, offset.offset, offset.metadata);
  }

  void describe() {
    const GroupDescription description = coordinator().describe(group_);
    say("{} type={} protocol={}", name(description.state), description.protocol_type,
        description.protocol);
    for (const auto& member : description.members)
      say("  {} instance={} metadata={} assignment={}", member.id,
          member.instance.value_or(InstanceId("-")), member.metadata, member.assignment);
  }

  void advance(Duration by) {
    const TimePoint end = clock_.now() + by;
    while (coordinator().next_deadline() && *coordinator().next_deadline() <= end) {
      if (const TimePoint next = *coordinator().next_deadline(); next > clock_.now())
        clock_.advance(next - clock_.now());
      Actions actions;
      coordinator().advance(now(), actions);
      if (!actions.empty())
        say("at {}s",
            std::chrono::duration_cast<std::chrono::seconds>(clock_.now().time_since_epoch())
                .count());
      tell(std::move(actions));
    }
    clock_.advance(end - clock_.now());
  }

  void release(KafkaError error) {
    hold_ = false;
    while (!held_.empty()) {
      auto persist = std::move(held_.front());
      held_.pop_front();
      persisted(persist, error);
    }
  }

  void persisted(const Actions::Persist& persist, KafkaError error) {
    if (error == KafkaError::None)
      disk_.insert(disk_.end(), persist.records.begin(), persist.records.end());
    Actions more;
    coordinator().persisted(persist.id, error, now(), more);
    tell(std::move(more));
  }

  void tell(Actions actions) {
    for (auto& [waiter, result] : actions.joins) {
      const std::string who = waiting_.extract(waiter).mapped();
      if (result.error != KafkaError::None) {
        say("{}: join {} member={}", who, result.error, result.member);
        if (result.error == KafkaError::MemberIdRequired) actors_[who].member = result.member;
        continue;
      }
      actors_[who].member = result.member;
      actors_[who].generation = result.generation;
      std::string members;
      for (const auto& member : result.members)
        members += fmt::format(" {}={}", member.id, member.metadata);
      say("{}: joined generation={} protocol={} leader={} member={}{}{}", who, result.generation,
          result.protocol.value_or("-"), result.leader, result.member,
          result.skip_assignment ? " skip_assignment" : "",
          members.empty() ? "" : " members:" + members);
    }
    for (const auto& [waiter, result] : actions.syncs) {
      const std::string who = waiting_.extract(waiter).mapped();
      if (result.error != KafkaError::None)
        say("{}: sync {}", who, result.error);
      else
        say("{}: synced \"{}\"", who, result.assignment);
    }
    for (const auto& [waiter, errors] : actions.commits) {
      std::string text;
      for (const KafkaError error : errors) text += fmt::format(" {}", error);
      say("{}: commit{}", waiting_.extract(waiter).mapped(), text);
    }
    for (const auto& [waiter, error] : actions.deletes)
      say("{} {}", waiting_.extract(waiter).mapped(), error);
    for (const auto& persist : actions.persists) {
      for (const auto& record : persist.records) say("write {}", text(record));
      if (hold_)
        held_.push_back(persist);
      else
        persisted(persist, KafkaError::None);
    }
  }

  static std::string text(const CoordinatorRecord& record) {
    if (const auto* offset = std::get_if<OffsetRecord>(&record))
      return fmt::format(
          "{} {}-{} {}", offset->group, offset->partition.topic, offset->partition.partition,
          offset->value ? std::to_string(offset->value->offset.value()) : "tombstone");
    const auto& group = std::get<GroupRecord>(record);
    if (!group.value) return fmt::format("{} tombstone", group.group);
    std::string members;
    for (const auto& member : group.value->members)
      members += fmt::format(" {}={}", member.id, member.assignment);
    return fmt::format("{} generation={}{}{}", group.group, group.value->generation,
                       members.empty() ? "" : " members:", members);
  }

  template <class... Args>
  void say(fmt::format_string<Args...> format, Args&&... args) {
    std::string line = "  " + fmt::format(format, std::forward<Args>(args)...);
    while (line.ends_with(' ')) line.pop_back();
    out_ += line + "\n";
  }

  BrokerConfig config_;
  FakeClock clock_;
  GroupId group_{"g"};
  std::unique_ptr<GroupCoordinator> coordinator_;
  std::vector<CoordinatorRecord> disk_;
  std::map<std::string, Actor> actors_;
  std::map<Waiter, std::string> waiting_;
  std::deque<Actions::Persist> held_;
  bool hold_ = false;
  std::uint64_t last_waiter_ = 0;
  int ids_ = 0;
  std::string out_;
};

class Transcript : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(Transcript, GoesAsWritten) {
  std::ifstream file(GetParam());
  std::stringstream written;
  written << file.rdbuf();
  const std::string played = Play().run(written.str());
  if (std::getenv("REWRITE_TRANSCRIPTS") != nullptr)
    std::ofstream(GetParam()) << played;
  else
    EXPECT_EQ(played, written.str());
}

std::vector<std::filesystem::path> transcripts() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(PENSTOCK_SOURCE_DIR) / "testdata"))
    if (entry.path().extension() == ".txt") paths.push_back(entry.path());
  std::ranges::sort(paths);
  return paths;
}

INSTANTIATE_TEST_SUITE_P(GroupCoordinator, Transcript, testing::ValuesIn(transcripts()),
                         [](const auto& param_info) { return param_info.param.stem().string(); });

TEST(Subscription, TopicsAreReadAndNonsenseIsNotOne) {
  using namespace std::string_literals;
  const Bytes two = "\0\1\0\0\0\2\0\1a\0\2bc\xff\xff\xff\xff"s;
  EXPECT_EQ(parse_subscription(two), (std::set{TopicName("a"), TopicName("bc")}));
  for (std::size_t cut = 0; cut < 13; ++cut)
    EXPECT_FALSE(parse_subscription(Bytes(two, 0, cut))) << cut;
  EXPECT_FALSE(parse_subscription("\0\1\x7f\xff\xff\xff"s));
}

}  // namespace
}  // namespace penstock::broker
