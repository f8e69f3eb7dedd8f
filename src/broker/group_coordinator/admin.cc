// SPDX-License-Identifier: Apache-2.0
// Looking at groups, and forgetting them and their offsets.
#include "base/logging.h"
#include "broker/group_coordinator/group_coordinator.h"

namespace penstock::broker {

GroupDescription GroupCoordinator::describe(const GroupId& group) const {
  GroupDescription description;
  const Group* known = find(group);
  if (known == nullptr) return description;
  description.state = known->state;
  description.protocol_type = known->protocol_type.value_or("");
  // Between generations the metadata and assignments of the members belong to none.
  const bool settled = known->is(GroupState::Stable);
  if (settled) description.protocol = known->protocol.value_or("");
  for (const auto& [id, member] : known->members)
    description.members.push_back({id, member.instance, member.client_id, member.client_host,
                                   settled ? member.metadata(description.protocol) : Bytes(),
                                   settled ? member.assignment : Bytes()});
  return description;
}

std::vector<ListedGroup> GroupCoordinator::list() const {
  std::vector<ListedGroup> groups;
  for (const auto& [id, group] : groups_)
    groups.push_back({id, group.protocol_type.value_or(""), group.state});
  return groups;
}

void GroupCoordinator::remove_group(Waiter waiter, const GroupId& id, Actions& out) {
  Group* group = find(id);
  if (group == nullptr) {
    out.deletes.push_back({waiter, KafkaError::GroupIdNotFound});
    return;
  }
  if (!group->is(GroupState::Empty)) {
    out.deletes.push_back({waiter, group->is(GroupState::Dead) ? KafkaError::CoordinatorNotAvailable
                                                               : KafkaError::NonEmptyGroup});
    return;
  }
  group->state = GroupState::Dead;
  std::vector<CoordinatorRecord> tombstones;
  for (const auto& [partition, offset] : group->offsets)
    tombstones.emplace_back(OffsetRecord{id, partition, {}});
  tombstones.emplace_back(GroupRecord{id, {}});
  persist(
      id, std::move(tombstones),
      [this, id, waiter](KafkaError error, Now, Actions& actions) {
        if (Group* gone = find(id); gone != nullptr) {
          if (error != KafkaError::None) {
            gone->state = GroupState::Empty;
          } else {
            for (const MemberId& pending : gone->pending) cancel_session(*gone, pending);
            groups_.erase(id);
          }
        }
        actions.deletes.push_back({waiter, error});
      },
      out);
}

void GroupCoordinator::expire_offsets(Now now, Actions& out) {
  const std::int64_t retention =
      std::chrono::duration_cast<Millis>(config_.offsets_retention_minutes).count();
  for (auto& [id, group] : groups_) {
    if (group.is(GroupState::Dead) || group.commits_in_flight > 0) continue;
    const auto subscribed = group.is(GroupState::Stable) ? group.subscribed_topics() : std::nullopt;
    std::vector<CoordinatorRecord> tombstones;
    for (const auto& [partition, offset] : group.offsets) {
      // KIP-211: of a group from when it became empty; of a topic nobody subscribes to, and of who
      // never joined, from the commit.
      std::int64_t since = offset.commit_millis;
      if (group.protocol_type && group.is(GroupState::Empty))
        since = std::max(since, group.state_millis);
      else if (group.protocol_type && (!subscribed || subscribed->contains(partition.topic)))
        continue;
      if (since + retention <= now.wall_millis)
        tombstones.emplace_back(OffsetRecord{id, partition, {}});
    }
    const bool nothing_left = group.is(GroupState::Empty) && group.pending.empty() &&
                              tombstones.size() == group.offsets.size() &&
                              group.state_millis + retention <= now.wall_millis;
    if (nothing_left) tombstones.emplace_back(GroupRecord{id, {}});
    if (tombstones.empty()) continue;
    if (nothing_left) group.state = GroupState::Dead;
    auto gone = tombstones;
    persist(
        id, std::move(tombstones),
        [this, id_ = id, gone = std::move(gone), nothing_left](KafkaError error, Now, Actions&) {
          Group* same = find(id_);
          if (same == nullptr) return;
          if (error != KafkaError::None) {
            if (nothing_left) same->state = GroupState::Empty;
            log_warn("broker",
                     "group {}: cannot record that offsets expired; the next round tries again",
                     id_);
            return;
          }
          if (nothing_left) {
            groups_.erase(id_);
            return;
          }
          for (const auto& record : gone)
            same->offsets.erase(std::get<OffsetRecord>(record).partition);
        },
        out);
  }
}

void GroupCoordinator::remove_topic(const TopicName& topic, Actions& out) {
  for (auto& [id, group] : groups_) {
    std::vector<CoordinatorRecord> tombstones;
    for (const auto& [partition, offset] : group.offsets)
      if (partition.topic == topic) tombstones.emplace_back(OffsetRecord{id, partition, {}});
    if (tombstones.empty()) continue;
    persist(
        id, std::move(tombstones),
        [this, id_ = id, topic](KafkaError error, Now, Actions&) {
          Group* same = find(id_);
          if (same == nullptr) return;
          if (error != KafkaError::None)
            log_warn("broker",
                     "group {}: cannot record that the offsets of deleted topic {} are gone", id_,
                     topic);
          std::erase_if(same->offsets,
                        [&](const auto& entry) { return entry.first.topic == topic; });
        },
        out);
  }
}

}  // namespace penstock::broker
