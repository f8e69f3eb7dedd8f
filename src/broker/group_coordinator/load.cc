// SPDX-License-Identifier: Apache-2.0
// From records to groups and back.
#include "broker/group_coordinator/group_coordinator.h"

namespace penstock::broker {

void GroupCoordinator::load(const CoordinatorRecord& record) {
  if (const auto* offset = std::get_if<OffsetRecord>(&record)) {
    if (!offset->value) {
      if (Group* group = find(offset->group); group != nullptr)
        group->offsets.erase(offset->partition);
      return;
    }
    Group& group = groups_.emplace(offset->group, Group(offset->group)).first->second;
    group.offsets.insert_or_assign(offset->partition, *offset->value);
    return;
  }

  const auto& stored = std::get<GroupRecord>(record);
  if (!stored.value) {
    groups_.erase(stored.group);
    return;
  }
  Group& group = groups_.emplace(stored.group, Group(stored.group)).first->second;
  auto offsets = std::move(group.offsets);
  group = Group(stored.group);
  group.offsets = std::move(offsets);
  group.protocol_type = stored.value->protocol_type;
  group.protocol = stored.value->protocol;
  group.generation = stored.value->generation;
  group.state_millis = stored.value->state_millis;
  for (const GroupSnapshot::Member& member : stored.value->members) {
    Member loaded;
    loaded.id = member.id;
    loaded.instance = member.instance;
    loaded.client_id = member.client_id;
    loaded.client_host = member.client_host;
    loaded.rebalance_timeout = member.rebalance_timeout;
    loaded.session_timeout = member.session_timeout;
    loaded.protocols = {{group.protocol.value_or(""), member.subscription}};
    loaded.assignment = member.assignment;
    loaded.is_new = false;
    group.add(std::move(loaded));
  }
  group.leader = stored.value->leader;
  group.state = group.members.empty() ? GroupState::Empty : GroupState::Stable;
}

void GroupCoordinator::loaded(Now now) {
  for (const auto& [id, group] : groups_)
    for (const auto& [member_id, member] : group.members) restart_session(group, member, now);
}

void GroupCoordinator::snapshot(const std::function<void(CoordinatorRecord)>& visit) const {
  for (const auto& [id, group] : groups_) {
    if (group.protocol_type) visit(GroupRecord{id, group.snapshot()});
    for (const auto& [partition, offset] : group.offsets)
      visit(OffsetRecord{id, partition, offset});
  }
}

}  // namespace penstock::broker
