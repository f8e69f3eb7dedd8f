// SPDX-License-Identifier: Apache-2.0
#include "broker/group_coordinator/group.h"

#include <algorithm>

#include "base/check.h"

namespace penstock::broker {

std::string_view name(GroupState state) {
  switch (state) {
    case GroupState::Empty:
      return "Empty";
    case GroupState::PreparingRebalance:
      return "PreparingRebalance";
    case GroupState::CompletingRebalance:
      return "CompletingRebalance";
    case GroupState::Stable:
      return "Stable";
    case GroupState::Dead:
      return "Dead";
  }
  return "Dead";
}

const Bytes& Member::metadata(const std::string& protocol) const {
  static const Bytes none;
  const auto found = std::ranges::find(protocols, protocol, &Protocol::name);
  return found == protocols.end() ? none : found->metadata;
}

bool Member::supports(const std::string& protocol) const {
  return std::ranges::find(protocols, protocol, &Protocol::name) != protocols.end();
}

Member* Group::find(const MemberId& member) {
  const auto found = members.find(member);
  return found == members.end() ? nullptr : &found->second;
}
const Member* Group::find(const MemberId& member) const {
  const auto found = members.find(member);
  return found == members.end() ? nullptr : &found->second;
}

Member& Group::add(Member member) {
  member.joined_order = ++last_joined_order;
  if (!leader) leader = member.id;
  if (member.instance) statics[*member.instance] = member.id;
  pending.erase(member.id);
  const MemberId key = member.id;
  return members.insert_or_assign(key, std::move(member)).first->second;
}

void Group::remove(const MemberId& member) {
  const auto found = members.find(member);
  if (found == members.end()) return;
  if (const auto& instance = found->second.instance; instance) {
    const auto mapped = statics.find(*instance);
    if (mapped != statics.end() && mapped->second == member) statics.erase(mapped);
  }
  const MemberId gone = member;  // `member` may be the id inside the map
  pending_sync.erase(gone);
  members.erase(found);
  if (leader != gone) return;
  const auto first = std::ranges::min_element(
      members, {}, [](const auto& entry) { return entry.second.joined_order; });
  leader = first == members.end() ? std::nullopt : std::optional(first->first);
}

std::size_t Group::awaiting_join() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      members, [](const auto& entry) { return entry.second.joining.has_value(); }));
}

bool Group::all_members_joined() const {
  return pending.empty() && awaiting_join() == members.size();
}

bool Group::supports(const std::string& type, const std::vector<Protocol>& protocols) const {
  if (type.empty() || protocols.empty()) return false;
  if (members.empty()) return true;
  if (protocol_type != type) return false;
  return std::ranges::any_of(protocols, [&](const Protocol& offered) {
    return std::ranges::all_of(
        members, [&](const auto& entry) { return entry.second.supports(offered.name); });
  });
}

std::string Group::select_protocol() const {
  CHECK(!members.empty());
  std::vector<const Member*> voters;
  for (const auto& [id_, member] : members) voters.push_back(&member);
  std::ranges::sort(voters, {}, &Member::joined_order);

  const auto supported_by_all = [&](const Protocol& candidate) {
    return std::ranges::all_of(
        voters, [&](const Member* voter) { return voter->supports(candidate.name); });
  };
  std::vector<std::pair<std::string, int>> votes;
  for (const Member* voter : voters) {
    const auto choice = std::ranges::find_if(voter->protocols, supported_by_all);
    CHECK(choice != voter->protocols.end(), "members without a common protocol were let in");
    const auto counted =
        std::ranges::find(votes, choice->name, &std::pair<std::string, int>::first);
    if (counted == votes.end())
      votes.emplace_back(choice->name, 1);
    else
      ++counted->second;
  }
  return std::ranges::max_element(votes, {}, &std::pair<std::string, int>::second)->first;
}

Millis Group::rebalance_timeout() const {
  Millis longest{0};
  for (const auto& [id_, member] : members) longest = std::max(longest, member.rebalance_timeout);
  return longest;
}

std::vector<JoinedMember> Group::joined_members() const {
  std::vector<JoinedMember> list;
  list.reserve(members.size());
  for (const auto& [member_id, member] : members)
    list.push_back({member_id, member.instance, member.metadata(protocol.value_or(""))});
  return list;
}

std::optional<std::set<TopicName>> Group::subscribed_topics() const {
  if (protocol_type != "consumer" || !protocol || members.empty()) return std::nullopt;
  std::set<TopicName> topics;
  for (const auto& [id_, member] : members) {
    auto subscribed = parse_subscription(member.metadata(*protocol));
    if (!subscribed) return std::nullopt;
    topics.merge(*subscribed);
  }
  return topics;
}

GroupSnapshot Group::snapshot() const {
  GroupSnapshot snapshot{.protocol_type = protocol_type.value_or(""),
                         .generation = generation,
                         .protocol = protocol,
                         .leader = leader,
                         .state_millis = state_millis,
                         .members = {}};
  for (const auto& [member_id, member] : members)
    snapshot.members.push_back({member_id, member.instance, member.client_id, member.client_host,
                                member.rebalance_timeout, member.session_timeout,
                                member.metadata(protocol.value_or("")), member.assignment});
  return snapshot;
}

std::optional<std::set<TopicName>> parse_subscription(BytesView metadata) {
  // version i16, topics [string], ...: what follows differs by version and does not matter here.
  if (metadata.size() < 6) return std::nullopt;
  const auto count = load_be<std::int32_t>(metadata.data() + 2);
  metadata.remove_prefix(6);
  if (count < 0) return std::nullopt;
  std::set<TopicName> topics;
  for (std::int32_t i = 0; i < count; ++i) {
    if (metadata.size() < 2) return std::nullopt;
    const auto length = load_be<std::int16_t>(metadata.data());
    metadata.remove_prefix(2);
    if (length < 0 || static_cast<std::size_t>(length) > metadata.size()) return std::nullopt;
    topics.emplace(metadata.substr(0, static_cast<std::size_t>(length)));
    metadata.remove_prefix(static_cast<std::size_t>(length));
  }
  return topics;
}

}  // namespace penstock::broker
