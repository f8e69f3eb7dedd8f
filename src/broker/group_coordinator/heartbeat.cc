// SPDX-License-Identifier: Apache-2.0
// Heartbeat, and what happens when none comes.
#include "base/logging.h"
#include "broker/group_coordinator/group_coordinator.h"

namespace penstock::broker {

KafkaError GroupCoordinator::heartbeat(const HeartbeatRequest& request, Now now) {
  if (request.group.value().empty()) return KafkaError::InvalidGroupId;
  Group* group = find(request.group);
  if (group == nullptr) return KafkaError::UnknownMemberId;
  if (group->is(GroupState::Dead)) return KafkaError::CoordinatorNotAvailable;
  if (const KafkaError error = validate_member(*group, request.member, request.instance);
      error != KafkaError::None)
    return error;
  if (request.generation != group->generation) return KafkaError::IllegalGeneration;
  if (group->is(GroupState::Empty)) return KafkaError::UnknownMemberId;
  restart_session(*group, *group->find(request.member), now);
  return group->is(GroupState::PreparingRebalance) ? KafkaError::RebalanceInProgress
                                                   : KafkaError::None;
}

void GroupCoordinator::restart_session(const Group& group, const Member& member, Now now) {
  deadlines_.set({group.id, Deadlines::Kind::Session, member.id},
                 now.steady + member.session_timeout);
}

void GroupCoordinator::cancel_session(const Group& group, const MemberId& member) {
  deadlines_.cancel({group.id, Deadlines::Kind::Session, member});
}

void GroupCoordinator::expire_session(Group& group, const MemberId& member, Now now, Actions& out) {
  if (group.pending.contains(member)) return remove_pending(group, member, now, out);
  const Member* known = group.find(member);
  if (known == nullptr) return;
  // Who waits for us to answer a join or sync is alive as far as we can tell; the answer restarts
  // its session.
  if (!known->is_new && (known->joining || known->syncing)) return;
  log_info("broker", "group {}: member {} has not been heard of for {} ms and is removed", group.id,
           member, known->session_timeout.count());
  remove_member(group, member, now, out);
}

}  // namespace penstock::broker
