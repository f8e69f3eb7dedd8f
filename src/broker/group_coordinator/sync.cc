// SPDX-License-Identifier: Apache-2.0
// SyncGroup: the leader's assignment goes to disk, then to everybody.
#include <algorithm>

#include "broker/group_coordinator/group_coordinator.h"

namespace penstock::broker {
namespace {

void refuse_sync(Waiter waiter, KafkaError error, Actions& out) {
  SyncResult result;
  result.error = error;
  out.syncs.push_back({waiter, std::move(result)});
}

bool same_protocol(const Group& group, const SyncRequest& request) {
  return (!request.protocol_type || request.protocol_type == group.protocol_type) &&
         (!request.protocol || request.protocol == group.protocol);
}

}  // namespace

void GroupCoordinator::sync(Waiter waiter, const SyncRequest& request, Now now, Actions& out) {
  if (request.group.value().empty()) return refuse_sync(waiter, KafkaError::InvalidGroupId, out);
  Group* group = find(request.group);
  if (group == nullptr) return refuse_sync(waiter, KafkaError::UnknownMemberId, out);
  if (group->is(GroupState::Dead))
    return refuse_sync(waiter, KafkaError::CoordinatorNotAvailable, out);
  if (const KafkaError error = validate_member(*group, request.member, request.instance);
      error != KafkaError::None)
    return refuse_sync(waiter, error, out);
  if (request.generation != group->generation)
    return refuse_sync(waiter, KafkaError::IllegalGeneration, out);
  if (!same_protocol(*group, request))
    return refuse_sync(waiter, KafkaError::InconsistentGroupProtocol, out);

  Member& member = *group->find(request.member);
  switch (group->state) {
    case GroupState::Empty:
    case GroupState::Dead:
      return refuse_sync(waiter, KafkaError::UnknownMemberId, out);
    case GroupState::PreparingRebalance:
      return refuse_sync(waiter, KafkaError::RebalanceInProgress, out);
    case GroupState::Stable:
      synced(*group, member.id);
      restart_session(*group, member, now);
      out.syncs.push_back({waiter, SyncResult{KafkaError::None, group->protocol_type,
                                              group->protocol, member.assignment}});
      return;
    case GroupState::CompletingRebalance:
      break;
  }

  if (member.syncing)
    refuse_sync(*member.syncing, KafkaError::RebalanceInProgress, out);  // superseded by this one
  member.syncing = waiter;
  synced(*group, member.id);
  if (!group->is_leader(member.id)) return;

  GroupSnapshot snapshot = group->snapshot();
  for (GroupSnapshot::Member& assigned : snapshot.members) {
    const auto found = std::ranges::find(request.assignments, assigned.id, &Assignment::member);
    assigned.assignment = found == request.assignments.end()
                              ? Bytes()
                              : found->bytes;  // forgotten by the leader: empty
  }
  std::vector<Assignment> assignments;
  for (const GroupSnapshot::Member& assigned : snapshot.members)
    assignments.push_back({assigned.id, assigned.assignment});
  persist_group(
      *group, std::move(snapshot),
      [this, id = group->id, generation = group->generation, assignments = std::move(assignments)](
          KafkaError error, Now later, Actions& actions) {
        // Somebody may have joined or left meanwhile; then a new generation is under way and this
        // one is void.
        Group* same = find(id);
        if (same == nullptr || !same->is(GroupState::CompletingRebalance) ||
            same->generation != generation)
          return;
        if (error != KafkaError::None) {
          propagate_assignments(*same, error, later, actions);
          return maybe_prepare_rebalance(*same, later, actions);
        }
        for (const Assignment& assignment : assignments)
          if (Member* assigned = same->find(assignment.member); assigned != nullptr)
            assigned->assignment = assignment.bytes;
        transition(*same, GroupState::Stable, later);
        propagate_assignments(*same, KafkaError::None, later, actions);
      },
      out);
}

void GroupCoordinator::synced(Group& group, const MemberId& member) {
  group.pending_sync.erase(member);
  if (group.pending_sync.empty()) deadlines_.cancel({group.id, Deadlines::Kind::Sync, {}});
}

void GroupCoordinator::propagate_assignments(Group& group, KafkaError error, Now now,
                                             Actions& out) {
  for (auto& [id, member] : group.members) {
    if (!member.syncing) continue;
    SyncResult result;
    result.error = error;
    if (error == KafkaError::None) {
      result.protocol_type = group.protocol_type;
      result.protocol = group.protocol;
      result.assignment = member.assignment;
    }
    out.syncs.push_back({*std::exchange(member.syncing, std::nullopt), std::move(result)});
    restart_session(group, member, now);
  }
}

}  // namespace penstock::broker
