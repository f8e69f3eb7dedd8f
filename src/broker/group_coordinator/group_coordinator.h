// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/function.h"
#include "broker/config.h"
#include "broker/group_coordinator/deadlines.h"
#include "broker/group_coordinator/group.h"
#include "broker/group_coordinator/types.h"

namespace penstock::broker {

// The classic consumer group protocol: membership, generations, assignments and committed offsets
// of all groups.
//
// Sans-I/O: facts and the time go in, Actions come out; it owns no thread, clock, socket or file,
// and is not thread-safe. Nothing that must survive a crash becomes visible before it is written:
// the answer to a leader's sync, to a commit, and to the return of a static member wait in a
// Persist action until persisted() reports it. Between calls the caller keeps one timer for
// next_deadline() and calls advance() when it is due.
//
// The rules are Apache Kafka 3.4's, state by state; KIP numbers stand where a rule comes from one.
// Split by conversation: join.cc, rebalance.cc (from the first join to the generation), sync.cc,
// heartbeat.cc, leave.cc, commit.cc, admin.cc, load.cc.
class GroupCoordinator {
 public:
  // `unique_id` makes the part of a member id after its prefix: a random UUID, or a counter in
  // tests.
  GroupCoordinator(const BrokerConfig& config, std::function<std::string()> unique_id);
  ~GroupCoordinator();

  // Puts a group or offset back as it was written; then loaded(), once, starts the sessions of the
  // members. A later record for the same key wins.
  void load(const CoordinatorRecord& record);
  void loaded(Now now);

  void join(Waiter waiter, const JoinRequest& request, Now now, Actions& out);
  void sync(Waiter waiter, const SyncRequest& request, Now now, Actions& out);
  KafkaError heartbeat(const HeartbeatRequest& request, Now now);
  LeaveResult leave(const LeaveRequest& request, Now now, Actions& out);
  void commit(Waiter waiter, const CommitRequest& request, Now now, Actions& out);

  // How a write ended. Unknown ids are ignored.
  void persisted(PersistId id, KafkaError error, Now now, Actions& out);

  std::optional<TimePoint> next_deadline() const { return deadlines_.next(); }
  void advance(Now now, Actions& out);

  // Nothing for a partition without a committed offset.
  std::optional<CommittedOffset> committed(const GroupId& group,
                                           const TopicPartition& partition) const;
  const std::map<TopicPartition, CommittedOffset>* committed(const GroupId& group) const;

  GroupDescription describe(const GroupId& group) const;  // a missing group is Dead
  std::vector<ListedGroup> list() const;
  // Answered by a Delete action: GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, or done and on disk.
  void remove_group(Waiter waiter, const GroupId& group, Actions& out);
  // Forgets offsets older than the retention (KIP-211), then groups that are left with nothing.
  void expire_offsets(Now now, Actions& out);
  void remove_topic(const TopicName& topic, Actions& out);

  // All that load() needs to bring back this state.
  void snapshot(const std::function<void(CoordinatorRecord)>& visit) const;
  const std::map<GroupId, Group>& groups() const { return groups_; }

 private:
  using AfterPersist = Function<void(KafkaError, Now, Actions&)>;

  Group* find(const GroupId& group);
  const Group* find(const GroupId& group) const;
  KafkaError validate_member(const Group& group, const MemberId& member,
                             const std::optional<InstanceId>& instance) const;
  void transition(Group& group, GroupState state, Now now);
  void persist(const GroupId& group, std::vector<CoordinatorRecord> records, AfterPersist after,
               Actions& out);
  void persist_group(const Group& group, std::optional<GroupSnapshot> snapshot, AfterPersist after,
                     Actions& out);

  // join.cc
  KafkaError check_join(const JoinRequest& request) const;
  bool has_room(const Group& group, const MemberId& member) const;
  void join_new(Group& group, Waiter waiter, const JoinRequest& request, Now now, Actions& out);
  void join_known(Group& group, Waiter waiter, const JoinRequest& request, Now now, Actions& out);
  void add_member(Group& group, Waiter waiter, const MemberId& id, const JoinRequest& request,
                  Now now, Actions& out);
  void update_member(Group& group, Member& member, Waiter waiter, const JoinRequest& request,
                     Now now, Actions& out);
  void replace_static(Group& group, const MemberId& old_id, const MemberId& new_id, Waiter waiter,
                      const JoinRequest& request, Now now, Actions& out);
  void rename_static(Group& group, const MemberId& old_id, const MemberId& new_id, Actions& out);

  // rebalance.cc
  void maybe_prepare_rebalance(Group& group, Now now, Actions& out);
  void prepare_rebalance(Group& group, Now now, Actions& out);
  void try_complete_join(Group& group, Now now, Actions& out);
  void complete_join(Group& group, Now now, Actions& out);
  void end_initial_delay(Group& group, Now now, Actions& out);
  void expel_unsynced(Group& group, Now now, Actions& out);
  bool elect_joined_leader(Group& group) const;
  JoinResult current_generation(const Group& group, const MemberId& member) const;
  static void answer_join(Member& member, JoinResult result, Actions& out);

  // sync.cc
  void propagate_assignments(Group& group, KafkaError error, Now now, Actions& out);
  void synced(Group& group, const MemberId& member);

  // heartbeat.cc
  void restart_session(const Group& group, const Member& member, Now now);
  void cancel_session(const Group& group, const MemberId& member);
  void expire_session(Group& group, const MemberId& member, Now now, Actions& out);

  // leave.cc
  void remove_member(Group& group, MemberId member, Now now, Actions& out);
  void remove_pending(Group& group, const MemberId& member, Now now, Actions& out);

  const BrokerConfig config_;
  std::function<std::string()> unique_id_;
  std::map<GroupId, Group> groups_;
  Deadlines deadlines_;
  std::uint64_t last_persist_ = 0;
  std::map<PersistId, AfterPersist> after_persist_;
};

}  // namespace penstock::broker
