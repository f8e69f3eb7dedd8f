// SPDX-License-Identifier: Apache-2.0
// OffsetCommit: who may commit; an offset is visible once it is on disk.
#include "broker/group_coordinator/group_coordinator.h"

namespace penstock::broker {

void GroupCoordinator::commit(Waiter waiter, const CommitRequest& request, Now now, Actions& out) {
  const auto refuse = [&](KafkaError error) {
    out.commits.push_back({waiter, std::vector<KafkaError>(request.entries.size(), error)});
  };
  Group* group = find(request.group);
  if (group == nullptr) {
    // A generation nobody here knows is of an older life of the group; without one it is a consumer
    // that assigns its own partitions, or an administrator.
    if (request.generation >= Generation(0)) return refuse(KafkaError::IllegalGeneration);
    group = &groups_.emplace(request.group, Group(request.group)).first->second;
    group->state_millis = now.wall_millis;
  }
  if (group->is(GroupState::Dead)) return refuse(KafkaError::CoordinatorNotAvailable);

  const bool simple = request.generation < Generation(0) && group->is(GroupState::Empty);
  if (!simple) {
    if (request.generation < Generation(0) && request.member.value().empty() && !request.instance)
      return refuse(KafkaError::UnknownMemberId);
    if (const KafkaError error = validate_member(*group, request.member, request.instance);
        error != KafkaError::None)
      return refuse(error);
    if (request.generation != group->generation) return refuse(KafkaError::IllegalGeneration);
    // It has the right generation, so it knows of the join; its assignment is on the way.
    if (group->is(GroupState::CompletingRebalance)) return refuse(KafkaError::RebalanceInProgress);
    restart_session(*group, *group->find(request.member), now);
  }

  std::vector<KafkaError> errors;
  std::vector<CoordinatorRecord> records;
  for (const CommitRequest::Entry& entry : request.entries) {
    const bool too_large =
        entry.offset.metadata.size() > static_cast<std::size_t>(config_.offset_metadata_max_bytes);
    errors.push_back(too_large ? KafkaError::OffsetMetadataTooLarge : KafkaError::None);
    if (too_large) continue;
    CommittedOffset offset = entry.offset;
    offset.commit_millis = now.wall_millis;
    records.emplace_back(OffsetRecord{group->id, entry.partition, std::move(offset)});
  }
  if (records.empty()) {
    out.commits.push_back({waiter, std::move(errors)});
    return;
  }
  auto written = records;
  ++group->commits_in_flight;
  persist(
      group->id, std::move(records),
      [this, id = group->id, waiter, errors = std::move(errors), written = std::move(written)](
          KafkaError error, Now, Actions& actions) mutable {
        Group* same = find(id);
        if (same != nullptr) --same->commits_in_flight;
        if (error == KafkaError::None && same != nullptr)
          for (auto& record : written) {
            auto& offset = std::get<OffsetRecord>(record);
            same->offsets.insert_or_assign(std::move(offset.partition), *std::move(offset.value));
          }
        if (error != KafkaError::None)
          for (KafkaError& each : errors)
            if (each == KafkaError::None) each = error;
        actions.commits.push_back({waiter, std::move(errors)});
      },
      out);
}

std::optional<CommittedOffset> GroupCoordinator::committed(const GroupId& group,
                                                           const TopicPartition& partition) const {
  const auto* offsets = committed(group);
  if (offsets == nullptr) return std::nullopt;
  const auto found = offsets->find(partition);
  if (found == offsets->end()) return std::nullopt;
  return found->second;
}

const std::map<TopicPartition, CommittedOffset>* GroupCoordinator::committed(
    const GroupId& group) const {
  const Group* known = find(group);
  return known == nullptr || known->is(GroupState::Dead) ? nullptr : &known->offsets;
}

}  // namespace penstock::broker
