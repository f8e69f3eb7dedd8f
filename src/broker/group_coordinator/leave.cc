// SPDX-License-Identifier: Apache-2.0
// LeaveGroup: members go, one or many in a request (KIP-345).
#include "broker/group_coordinator/group_coordinator.h"

namespace penstock::broker {

LeaveResult GroupCoordinator::leave(const LeaveRequest& request, Now now, Actions& out) {
  LeaveResult result;
  if (request.group.value().empty()) {
    result.error = KafkaError::InvalidGroupId;
    return result;
  }
  Group* group = find(request.group);
  if (group != nullptr && group->is(GroupState::Dead)) {
    result.error = KafkaError::CoordinatorNotAvailable;
    return result;
  }
  for (const LeavingMember& leaving : request.members) {
    if (group == nullptr) {
      result.members.push_back(KafkaError::UnknownMemberId);
      continue;
    }
    MemberId id = leaving.member;
    if (id.value().empty() && leaving.instance) {
      const auto current = group->statics.find(*leaving.instance);
      if (current != group->statics.end()) id = current->second;
    }
    if (group->pending.contains(id)) {
      remove_pending(*group, id, now, out);
      result.members.push_back(KafkaError::None);
      continue;
    }
    const KafkaError error = validate_member(*group, id, leaving.instance);
    if (error == KafkaError::None) remove_member(*group, id, now, out);
    result.members.push_back(error);
  }
  return result;
}

void GroupCoordinator::remove_member(Group& group, MemberId id, Now now, Actions& out) {
  Member& member = *group.find(id);
  JoinResult unknown;
  unknown.error = KafkaError::UnknownMemberId;
  answer_join(member, std::move(unknown), out);
  if (member.syncing) {
    SyncResult gone;
    gone.error = KafkaError::UnknownMemberId;
    out.syncs.push_back({*std::exchange(member.syncing, std::nullopt), std::move(gone)});
  }
  cancel_session(group, id);
  group.remove(id);
  switch (group.state) {
    case GroupState::Empty:
    case GroupState::Dead:
      return;
    case GroupState::Stable:
    case GroupState::CompletingRebalance:
      return maybe_prepare_rebalance(group, now, out);
    case GroupState::PreparingRebalance:
      return try_complete_join(group, now, out);
  }
}

void GroupCoordinator::remove_pending(Group& group, const MemberId& member, Now now, Actions& out) {
  const MemberId id = member;
  group.pending.erase(id);
  cancel_session(group, id);
  try_complete_join(group, now, out);
}

}  // namespace penstock::broker
