// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/group_coordinator/types.h"

namespace penstock::broker {

// One member of a classic group, as the coordinator knows it.
struct Member {
  MemberId id;
  std::optional<InstanceId> instance;  // static membership (KIP-345)
  std::string client_id;
  std::string client_host;
  Millis rebalance_timeout{0};
  Millis session_timeout{0};
  std::vector<Protocol> protocols;
  Bytes assignment;
  std::uint64_t joined_order = 0;
  bool is_new = true;  // has not yet heard its member id: cannot send heartbeats
  std::optional<Waiter> joining;
  std::optional<Waiter> syncing;

  bool is_static() const { return instance.has_value(); }
  const Bytes& metadata(const std::string& protocol) const;
  bool supports(const std::string& protocol) const;
};

// One classic consumer group: its members, its phase and its committed offsets. Plain data with the
// questions about it; GroupCoordinator moves it from state to state.
struct Group {
  explicit Group(GroupId group_id) : id(std::move(group_id)) {}

  GroupId id;
  GroupState state = GroupState::Empty;
  std::int64_t state_millis = -1;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol;  // chosen for this generation
  Generation generation{0};
  std::optional<MemberId> leader;
  std::map<MemberId, Member> members;
  std::map<InstanceId, MemberId> statics;
  std::set<MemberId> pending;       // told MEMBER_ID_REQUIRED, not yet come back
  std::set<MemberId> pending_sync;  // joined this generation, not yet synced
  std::map<TopicPartition, CommittedOffset> offsets;

  int commits_in_flight = 0;  // asked to be written, not yet reported

  bool new_member_added = false;  // during the initial delay
  Millis initial_delay_left{0};
  std::uint64_t last_joined_order = 0;

  bool is(GroupState other) const { return state == other; }
  bool is_leader(const MemberId& member) const { return leader == member; }
  Member* find(const MemberId& member);
  const Member* find(const MemberId& member) const;

  Member& add(Member member);
  // Forgets a member; a leader that goes hands over to the one that joined first.
  void remove(const MemberId& member);

  bool all_members_joined() const;
  std::size_t awaiting_join() const;
  bool supports(const std::string& type, const std::vector<Protocol>& protocols) const;
  // Every member votes for its first protocol that all support; most votes win, then who voted
  // first. The members must have a protocol in common.
  std::string select_protocol() const;
  Millis rebalance_timeout() const;  // the longest of the members
  std::vector<JoinedMember> joined_members() const;

  // The topics that the members of a "consumer" group subscribe to; nothing when that cannot be
  // known.
  std::optional<std::set<TopicName>> subscribed_topics() const;
  GroupSnapshot snapshot() const;
};

// The topic names in a consumer's subscription (ConsumerProtocolSubscription), or nothing if the
// bytes are not one.
std::optional<std::set<TopicName>> parse_subscription(BytesView metadata);

}  // namespace penstock::broker
