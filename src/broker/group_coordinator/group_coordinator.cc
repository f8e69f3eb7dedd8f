// SPDX-License-Identifier: Apache-2.0
#include "broker/group_coordinator/group_coordinator.h"

namespace penstock::broker {

GroupCoordinator::GroupCoordinator(const BrokerConfig& config,
                                   std::function<std::string()> unique_id)
    : config_(config), unique_id_(std::move(unique_id)) {}
GroupCoordinator::~GroupCoordinator() = default;

Group* GroupCoordinator::find(const GroupId& group) {
  const auto found = groups_.find(group);
  return found == groups_.end() ? nullptr : &found->second;
}
const Group* GroupCoordinator::find(const GroupId& group) const {
  const auto found = groups_.find(group);
  return found == groups_.end() ? nullptr : &found->second;
}

// A static member is known by its instance id; whoever comes with an older member id for it is
// fenced (KIP-345).
KafkaError GroupCoordinator::validate_member(const Group& group, const MemberId& member,
                                             const std::optional<InstanceId>& instance) const {
  if (instance) {
    const auto current = group.statics.find(*instance);
    if (current == group.statics.end()) return KafkaError::UnknownMemberId;
    return current->second == member ? KafkaError::None : KafkaError::FencedInstanceId;
  }
  return group.members.contains(member) ? KafkaError::None : KafkaError::UnknownMemberId;
}

void GroupCoordinator::transition(Group& group, GroupState state, Now now) {
  group.state = state;
  group.state_millis = now.wall_millis;
}

void GroupCoordinator::persist(const GroupId& group, std::vector<CoordinatorRecord> records,
                               AfterPersist after, Actions& out) {
  const auto id = static_cast<PersistId>(++last_persist_);
  after_persist_.emplace(id, std::move(after));
  out.persists.push_back({id, group, std::move(records)});
}

void GroupCoordinator::persist_group(const Group& group, std::optional<GroupSnapshot> snapshot,
                                     AfterPersist after, Actions& out) {
  persist(group.id, {GroupRecord{group.id, std::move(snapshot)}}, std::move(after), out);
}

void GroupCoordinator::persisted(PersistId id, KafkaError error, Now now, Actions& out) {
  auto after = after_persist_.extract(id);
  if (after && after.mapped()) after.mapped()(error, now, out);
}

void GroupCoordinator::advance(Now now, Actions& out) {
  while (const auto due = deadlines_.take_due(now.steady)) {
    Group* group = find(due->group);
    if (group == nullptr) continue;
    switch (due->kind) {
      case Deadlines::Kind::Session:
        expire_session(*group, due->member, now, out);
        break;
      case Deadlines::Kind::InitialDelay:
        end_initial_delay(*group, now, out);
        break;
      case Deadlines::Kind::Rebalance:
        if (group->is(GroupState::PreparingRebalance)) complete_join(*group, now, out);
        break;
      case Deadlines::Kind::Sync:
        expel_unsynced(*group, now, out);
        break;
    }
  }
}

}  // namespace penstock::broker
