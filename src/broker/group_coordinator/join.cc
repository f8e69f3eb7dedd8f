// SPDX-License-Identifier: Apache-2.0
// JoinGroup: who may come in, and under which member id.
#include "broker/group_coordinator/group_coordinator.h"

namespace penstock::broker {
namespace {

// A new member cannot heartbeat before it hears its id, so its first join is bounded by this alone.
constexpr Millis kNewMemberJoinTimeout = std::chrono::minutes(5);

void refuse_join(Waiter waiter, KafkaError error, const MemberId& member, Actions& out) {
  JoinResult result;
  result.error = error;
  result.member = member;
  out.joins.push_back({waiter, std::move(result)});
}

}  // namespace

KafkaError GroupCoordinator::check_join(const JoinRequest& request) const {
  if (request.group.value().empty()) return KafkaError::InvalidGroupId;
  if (request.session_timeout < config_.group_min_session_timeout_ms ||
      request.session_timeout > config_.group_max_session_timeout_ms)
    return KafkaError::InvalidSessionTimeout;
  return KafkaError::None;
}

bool GroupCoordinator::has_room(const Group& group, const MemberId& member) const {
  const auto most = static_cast<std::size_t>(config_.group_max_size);
  const Member* known = group.find(member);
  switch (group.state) {
    case GroupState::Empty:
    case GroupState::Dead:
      return true;
    case GroupState::PreparingRebalance:
      return (known != nullptr && known->joining) || group.awaiting_join() < most;
    case GroupState::CompletingRebalance:
    case GroupState::Stable:
      return known != nullptr || group.members.size() < most;
  }
  return false;
}

void GroupCoordinator::join(Waiter waiter, const JoinRequest& request, Now now, Actions& out) {
  if (const KafkaError error = check_join(request); error != KafkaError::None)
    return refuse_join(waiter, error, request.member, out);

  const bool unknown = request.member.value().empty();
  Group* group = find(request.group);
  if (group == nullptr) {
    if (!unknown) return refuse_join(waiter, KafkaError::UnknownMemberId, request.member, out);
    group = &groups_.emplace(request.group, Group(request.group)).first->second;
    group->state_millis = now.wall_millis;
  }
  if (group->is(GroupState::Dead))
    return refuse_join(waiter, KafkaError::CoordinatorNotAvailable, request.member, out);
  if (!has_room(*group, request.member)) {
    group->remove(request.member);
    cancel_session(*group, request.member);
    return refuse_join(waiter, KafkaError::GroupMaxSizeReached, request.member, out);
  }
  if (!group->supports(request.protocol_type, request.protocols))
    return refuse_join(waiter, KafkaError::InconsistentGroupProtocol, request.member, out);

  if (unknown)
    join_new(*group, waiter, request, now, out);
  else
    join_known(*group, waiter, request, now, out);
  try_complete_join(*group, now, out);
}

void GroupCoordinator::join_new(Group& group, Waiter waiter, const JoinRequest& request, Now now,
                                Actions& out) {
  if (request.instance) {
    const MemberId id(request.instance->value() + "-" + unique_id_());
    const auto current = group.statics.find(*request.instance);
    if (current == group.statics.end()) return add_member(group, waiter, id, request, now, out);
    return replace_static(group, MemberId(current->second), id, waiter, request, now, out);
  }
  const MemberId id(request.client_id + "-" + unique_id_());
  if (!request.requires_known_member_id) return add_member(group, waiter, id, request, now, out);
  // KIP-394: only who comes back with the id becomes a member, so that retries leave no ghosts
  // behind.
  group.pending.insert(id);
  deadlines_.set({group.id, Deadlines::Kind::Session, id}, now.steady + request.session_timeout);
  refuse_join(waiter, KafkaError::MemberIdRequired, id, out);
}

void GroupCoordinator::join_known(Group& group, Waiter waiter, const JoinRequest& request, Now now,
                                  Actions& out) {
  if (group.pending.contains(request.member))
    return add_member(group, waiter, request.member, request, now, out);
  if (const KafkaError error = validate_member(group, request.member, request.instance);
      error != KafkaError::None)
    return refuse_join(waiter, error, request.member, out);

  Member& member = *group.find(request.member);
  const bool same = member.protocols == request.protocols;
  switch (group.state) {
    case GroupState::PreparingRebalance:
      return update_member(group, member, waiter, request, now, out);
    case GroupState::CompletingRebalance: {
      if (!same) return update_member(group, member, waiter, request, now, out);
      // It probably missed the answer to its first join of this generation.
      JoinResult result = current_generation(group, member.id);
      if (group.is_leader(member.id)) result.members = group.joined_members();
      out.joins.push_back({waiter, std::move(result)});
      return;
    }
    case GroupState::Stable:
      // A leader that joins again asks for new assignments: it saw a change that only it watches.
      if (!same || group.is_leader(member.id))
        return update_member(group, member, waiter, request, now, out);
      out.joins.push_back({waiter, current_generation(group, member.id)});
      return;
    case GroupState::Empty:
    case GroupState::Dead:
      return refuse_join(waiter, KafkaError::UnknownMemberId, request.member, out);
  }
}

void GroupCoordinator::add_member(Group& group, Waiter waiter, const MemberId& id,
                                  const JoinRequest& request, Now now, Actions& out) {
  if (group.members.empty()) group.protocol_type = request.protocol_type;
  if (group.is(GroupState::PreparingRebalance) && group.generation == Generation(0))
    group.new_member_added = true;
  Member member;
  member.id = id;
  member.instance = request.instance;
  member.client_id = request.client_id;
  member.client_host = request.client_host;
  member.rebalance_timeout = request.rebalance_timeout;
  member.session_timeout = request.session_timeout;
  member.protocols = request.protocols;
  member.joining = waiter;
  group.add(std::move(member));
  deadlines_.set({group.id, Deadlines::Kind::Session, id}, now.steady + kNewMemberJoinTimeout);
  maybe_prepare_rebalance(group, now, out);
}

void GroupCoordinator::update_member(Group& group, Member& member, Waiter waiter,
                                     const JoinRequest& request, Now now, Actions& out) {
  // An older join of the same member that still waits is answered first: its client has given up on
  // it.
  if (member.joining) {
    JoinResult superseded;
    superseded.error = KafkaError::RebalanceInProgress;
    superseded.member = member.id;
    answer_join(member, std::move(superseded), out);
  }
  member.rebalance_timeout = request.rebalance_timeout;
  member.session_timeout = request.session_timeout;
  member.protocols = request.protocols;
  member.joining = waiter;
  maybe_prepare_rebalance(group, now, out);
}

// The old holder of the instance id is fenced at once wherever it waits.
void GroupCoordinator::rename_static(Group& group, const MemberId& old_id, const MemberId& new_id,
                                     Actions& out) {
  auto node = group.members.extract(old_id);
  Member& member = node.mapped();
  if (member.joining) {
    JoinResult fenced;
    fenced.error = KafkaError::FencedInstanceId;
    fenced.member = old_id;
    answer_join(member, std::move(fenced), out);
  }
  if (member.syncing) {
    SyncResult fenced;
    fenced.error = KafkaError::FencedInstanceId;
    out.syncs.push_back({*std::exchange(member.syncing, std::nullopt), std::move(fenced)});
  }
  cancel_session(group, old_id);
  if (group.leader == old_id) group.leader = new_id;
  if (group.pending_sync.erase(old_id) > 0) group.pending_sync.insert(new_id);
  group.statics[*member.instance] = new_id;
  member.id = new_id;
  node.key() = new_id;
  group.members.insert(std::move(node));
}

// A restarted static member takes over its own place. While the group is Stable and would choose
// the same protocol nothing moves: it gets the current generation, and a leader is told not to
// assign (KIP-814).
void GroupCoordinator::replace_static(Group& group, const MemberId& old_id, const MemberId& new_id,
                                      Waiter waiter, const JoinRequest& request, Now now,
                                      Actions& out) {
  const std::optional<MemberId> leader_before = group.leader;
  rename_static(group, old_id, new_id, out);
  Member& member = *group.find(new_id);
  const Member before = member;
  member.rebalance_timeout = request.rebalance_timeout;
  member.session_timeout = request.session_timeout;
  member.protocols = request.protocols;
  member.client_id = request.client_id;
  member.client_host = request.client_host;
  member.joining = waiter;
  restart_session(group, member, now);

  if (group.is(GroupState::CompletingRebalance)) return prepare_rebalance(group, now, out);
  if (!group.is(GroupState::Stable)) return;
  if (group.select_protocol() != group.protocol) return maybe_prepare_rebalance(group, now, out);

  persist_group(
      group, group.snapshot(),
      [this, id = group.id, old_id, new_id, waiter, leader_before, before,
       generation = group.generation,
       skip = request.supports_skip_assignment](KafkaError error, Now later, Actions& actions) {
        Group* same = find(id);
        Member* known = same == nullptr ? nullptr : same->find(new_id);
        if (known == nullptr || known->joining != waiter) return;  // answered otherwise meanwhile
        if (!same->is(GroupState::Stable) || same->generation != generation)
          return;  // the rebalance will answer
        if (error != KafkaError::None) {
          JoinResult failed;
          failed.error = error;
          answer_join(*known, std::move(failed), actions);
          rename_static(*same, new_id, old_id, actions);
          Member& restored = *same->find(old_id);
          restored.protocols = before.protocols;
          restored.rebalance_timeout = before.rebalance_timeout;
          restored.session_timeout = before.session_timeout;
          return restart_session(*same, restored, later);
        }
        JoinResult result = current_generation(*same, new_id);
        const bool leads = same->is_leader(new_id);
        if (skip && leads) {
          result.skip_assignment = true;
          result.members = same->joined_members();
        } else if (!skip && leader_before) {
          result.leader = *leader_before;  // an id that is not its own, so that it does not assign
        }
        known->is_new = false;
        answer_join(*known, std::move(result), actions);
        restart_session(*same, *known, later);
      },
      out);
}

}  // namespace penstock::broker
