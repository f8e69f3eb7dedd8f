// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <vector>

#include "base/function.h"
#include "broker/group_coordinator/group_coordinator.h"
#include "broker/offsets_topic.h"
#include "net/loop.h"

namespace penstock::broker {

// Drives the GroupCoordinator: keeps its one timer, writes what it wants written, and hands its
// answers to who waits. On the broker's loop. Callbacks may come within the call.
class GroupService {
 public:
  // Loads all groups.
  GroupService(const BrokerConfig& config, log::LogManager& logs, net::Loop& loop);
  ~GroupService();
  GroupService(const GroupService&) = delete;
  GroupService& operator=(const GroupService&) = delete;

  // COORDINATOR_NOT_AVAILABLE for a group that cannot be served: its partition of
  // __consumer_offsets cannot be read.
  KafkaError check(const GroupId& group) const;
  Result<void> prepare() { return offsets_.create_if_missing(); }

  void join(const JoinRequest& request, Function<void(JoinResult)> done);
  void sync(const SyncRequest& request, Function<void(SyncResult)> done);
  KafkaError heartbeat(const HeartbeatRequest& request);
  LeaveResult leave(const LeaveRequest& request);
  void commit(const CommitRequest& request, Function<void(std::vector<KafkaError>)> done);
  void remove_group(const GroupId& group, Function<void(KafkaError)> done);
  void remove_topic(const TopicName& topic);

  const GroupCoordinator& groups() const { return coordinator_; }

  // Runs after every change of a committed offset or of a membership.
  void on_change(std::function<void()> changed) { changed_ = std::move(changed); }

  // Who waits for a join or sync hears COORDINATOR_NOT_AVAILABLE; nothing is taken any more. Writes
  // under way go on and their answers still come.
  void stop();

 private:
  Now now() const { return {loop_.clock().now(), loop_.clock().wall_millis()}; }
  Waiter next_waiter() { return static_cast<Waiter>(++last_waiter_); }
  void apply(Actions actions);
  void watch_deadline();
  void expire_later();

  const BrokerConfig& config_;
  net::Loop& loop_;
  OffsetsTopic offsets_;
  GroupCoordinator coordinator_;
  std::uint64_t last_waiter_ = 0;
  std::map<Waiter, Function<void(JoinResult)>> joining_;
  std::map<Waiter, Function<void(SyncResult)>> syncing_;
  std::map<Waiter, Function<void(std::vector<KafkaError>)>> committing_;
  std::map<Waiter, Function<void(KafkaError)>> removing_;
  std::function<void()> changed_;
  net::TimerId deadline_timer_ = net::TimerId::None;
  std::optional<TimePoint> deadline_;
  net::TimerId expiry_timer_ = net::TimerId::None;
  bool stopped_ = false;
};

}  // namespace penstock::broker
