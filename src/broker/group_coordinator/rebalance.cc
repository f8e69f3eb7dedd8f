// SPDX-License-Identifier: Apache-2.0
// From the wish to rebalance to a new generation.
#include <algorithm>

#include "base/logging.h"
#include "broker/group_coordinator/group_coordinator.h"

namespace penstock::broker {

void GroupCoordinator::answer_join(Member& member, JoinResult result, Actions& out) {
  if (!member.joining) return;
  out.joins.push_back({*std::exchange(member.joining, std::nullopt), std::move(result)});
}

JoinResult GroupCoordinator::current_generation(const Group& group, const MemberId& member) const {
  JoinResult result;
  result.generation = group.generation;
  result.protocol_type = group.protocol_type;
  result.protocol = group.protocol;
  result.leader = group.leader.value_or(MemberId());
  result.member = member;
  return result;
}

void GroupCoordinator::maybe_prepare_rebalance(Group& group, Now now, Actions& out) {
  if (group.is(GroupState::Stable) || group.is(GroupState::CompletingRebalance) ||
      group.is(GroupState::Empty))
    prepare_rebalance(group, now, out);
}

void GroupCoordinator::prepare_rebalance(Group& group, Now now, Actions& out) {
  if (group.is(GroupState::CompletingRebalance)) {
    for (auto& [id, member] : group.members) member.assignment.clear();
    propagate_assignments(group, KafkaError::RebalanceInProgress, now, out);
  }
  group.pending_sync.clear();
  deadlines_.cancel({group.id, Deadlines::Kind::Sync, {}});

  const bool was_empty = group.is(GroupState::Empty);
  transition(group, GroupState::PreparingRebalance, now);
  const Millis delay = config_.group_initial_rebalance_delay_ms;
  if (was_empty && delay > Millis(0)) {
    group.new_member_added = false;
    group.initial_delay_left = std::max(group.rebalance_timeout() - delay, Millis(0));
    deadlines_.set({group.id, Deadlines::Kind::InitialDelay, {}}, now.steady + delay);
    return;
  }
  deadlines_.set({group.id, Deadlines::Kind::Rebalance, {}},
                 now.steady + group.rebalance_timeout());
  try_complete_join(group, now, out);
}

// Each newcomer during the delay prolongs it, up to the rebalance timeout (KIP-134).
void GroupCoordinator::end_initial_delay(Group& group, Now now, Actions& out) {
  if (!group.is(GroupState::PreparingRebalance)) return;
  if (group.new_member_added && group.initial_delay_left > Millis(0)) {
    group.new_member_added = false;
    const Millis delay =
        std::min(config_.group_initial_rebalance_delay_ms, group.initial_delay_left);
    group.initial_delay_left -= delay;
    deadlines_.set({group.id, Deadlines::Kind::InitialDelay, {}}, now.steady + delay);
    return;
  }
  complete_join(group, now, out);
}

void GroupCoordinator::try_complete_join(Group& group, Now now, Actions& out) {
  if (!group.is(GroupState::PreparingRebalance)) return;
  if (deadlines_.has({group.id, Deadlines::Kind::InitialDelay, {}})) return;
  if (group.all_members_joined()) complete_join(group, now, out);
}

bool GroupCoordinator::elect_joined_leader(Group& group) const {
  if (!group.leader) return false;
  if (const Member* leader = group.find(*group.leader); leader != nullptr && leader->joining)
    return true;
  const Member* elected = nullptr;
  for (const auto& [id, member] : group.members)
    if (member.joining && (elected == nullptr || member.joined_order < elected->joined_order))
      elected = &member;
  if (elected == nullptr) return false;
  group.leader = elected->id;
  return true;
}

void GroupCoordinator::complete_join(Group& group, Now now, Actions& out) {
  deadlines_.cancel({group.id, Deadlines::Kind::Rebalance, {}});
  std::vector<MemberId> missing;
  for (const auto& [id, member] : group.members)
    if (!member.joining && !member.is_static()) missing.push_back(id);
  for (const MemberId& id : missing) {
    cancel_session(group, id);
    group.remove(id);
  }

  if (!elect_joined_leader(group) && !group.members.empty()) {
    // Only static members are left and none of them is back: wait until their sessions end.
    deadlines_.set({group.id, Deadlines::Kind::Rebalance, {}},
                   now.steady + group.rebalance_timeout());
    return;
  }

  group.pending_sync.clear();
  ++group.generation;
  if (group.members.empty()) {
    group.protocol.reset();
    group.leader.reset();
    transition(group, GroupState::Empty, now);
    persist_group(
        group, group.snapshot(),
        [id = group.id](KafkaError error, Now, Actions&) {
          // Only the moment of getting empty is lost: after a restart the offsets expire later.
          if (error != KafkaError::None)
            log_warn("broker", "group {}: cannot record that it is empty", id);
        },
        out);
    return;
  }

  group.protocol = group.select_protocol();
  transition(group, GroupState::CompletingRebalance, now);
  for (auto& [id, member] : group.members) {
    JoinResult result = current_generation(group, id);
    if (group.is_leader(id)) result.members = group.joined_members();
    answer_join(member, std::move(result), out);
    member.is_new = false;
    restart_session(group, member, now);
    group.pending_sync.insert(id);
  }
  deadlines_.set({group.id, Deadlines::Kind::Sync, {}}, now.steady + group.rebalance_timeout());
}

// A member that joined but never synced would keep its partitions idle for ever (KAFKA-13435).
void GroupCoordinator::expel_unsynced(Group& group, Now now, Actions& out) {
  if (!group.is(GroupState::CompletingRebalance) && !group.is(GroupState::Stable)) return;
  if (group.pending_sync.empty()) return;
  const std::set<MemberId> unsynced = std::exchange(group.pending_sync, {});
  for (const MemberId& id : unsynced) {
    cancel_session(group, id);
    group.remove(id);
  }
  prepare_rebalance(group, now, out);
}

}  // namespace penstock::broker
