// SPDX-License-Identifier: Apache-2.0
#include "broker/group_service.h"

#include "base/uuid.h"

namespace penstock::broker {

GroupService::GroupService(const BrokerConfig& config, log::LogManager& logs, net::Loop& loop)
    : config_(config),
      loop_(loop),
      offsets_(logs, config, loop.clock()),
      coordinator_(config, [] { return Uuid::random().text(); }) {
  offsets_.load([this](const CoordinatorRecord& record) { coordinator_.load(record); });
  coordinator_.loaded(now());
  offsets_.rewrite_large([this](const std::function<void(CoordinatorRecord)>& visit) {
    coordinator_.snapshot(visit);
  });
  watch_deadline();
  expire_later();
}

GroupService::~GroupService() {
  loop_.cancel(deadline_timer_);
  loop_.cancel(expiry_timer_);
}

KafkaError GroupService::check(const GroupId& group) const {
  return !stopped_ && offsets_.available(group) ? KafkaError::None
                                                : KafkaError::CoordinatorNotAvailable;
}

void GroupService::join(const JoinRequest& request, Function<void(JoinResult)> done) {
  if (const KafkaError error = check(request.group); error != KafkaError::None) {
    JoinResult result;
    result.error = error;
    result.member = request.member;
    return done(std::move(result));
  }
  const Waiter waiter = next_waiter();
  joining_.emplace(waiter, std::move(done));
  Actions actions;
  coordinator_.join(waiter, request, now(), actions);
  apply(std::move(actions));
}

void GroupService::sync(const SyncRequest& request, Function<void(SyncResult)> done) {
  if (const KafkaError error = check(request.group); error != KafkaError::None) {
    SyncResult result;
    result.error = error;
    return done(std::move(result));
  }
  const Waiter waiter = next_waiter();
  syncing_.emplace(waiter, std::move(done));
  Actions actions;
  coordinator_.sync(waiter, request, now(), actions);
  apply(std::move(actions));
}

KafkaError GroupService::heartbeat(const HeartbeatRequest& request) {
  if (const KafkaError error = check(request.group); error != KafkaError::None) return error;
  const KafkaError error = coordinator_.heartbeat(request, now());
  watch_deadline();
  return error;
}

LeaveResult GroupService::leave(const LeaveRequest& request) {
  if (const KafkaError error = check(request.group); error != KafkaError::None) {
    LeaveResult result;
    result.error = error;
    return result;
  }
  Actions actions;
  LeaveResult result = coordinator_.leave(request, now(), actions);
  apply(std::move(actions));
  return result;
}

void GroupService::commit(const CommitRequest& request,
                          Function<void(std::vector<KafkaError>)> done) {
  if (const KafkaError error = check(request.group); error != KafkaError::None)
    return done(std::vector<KafkaError>(request.entries.size(), error));
  const Waiter waiter = next_waiter();
  committing_.emplace(waiter, std::move(done));
  Actions actions;
  coordinator_.commit(waiter, request, now(), actions);
  apply(std::move(actions));
}

void GroupService::remove_group(const GroupId& group, Function<void(KafkaError)> done) {
  if (const KafkaError error = check(group); error != KafkaError::None) return done(error);
  const Waiter waiter = next_waiter();
  removing_.emplace(waiter, std::move(done));
  Actions actions;
  coordinator_.remove_group(waiter, group, actions);
  apply(std::move(actions));
}

void GroupService::remove_topic(const TopicName& topic) {
  Actions actions;
  coordinator_.remove_topic(topic, actions);
  apply(std::move(actions));
}

// The coordinator is never in the middle of a call here, so answers and writes may call it again.
void GroupService::apply(Actions actions) {
  for (auto& [waiter, result] : actions.joins)
    if (auto done = joining_.extract(waiter)) done.mapped()(std::move(result));
  for (auto& [waiter, result] : actions.syncs)
    if (auto done = syncing_.extract(waiter)) done.mapped()(std::move(result));
  for (auto& [waiter, errors] : actions.commits)
    if (auto done = committing_.extract(waiter)) done.mapped()(std::move(errors));
  for (auto& [waiter, error] : actions.deletes)
    if (auto done = removing_.extract(waiter)) done.mapped()(error);
  for (auto& persist : actions.persists)
    offsets_.write(persist.group, persist.records, [this, id = persist.id](KafkaError error) {
      Actions more;
      coordinator_.persisted(id, error, now(), more);
      apply(std::move(more));
    });
  watch_deadline();
  if (changed_) changed_();
}

void GroupService::watch_deadline() {
  const auto next = stopped_ ? std::nullopt : coordinator_.next_deadline();
  // A deadline that moved away keeps its timer: heartbeats move it all the time, and waking once in
  // vain is cheaper.
  if (deadline_timer_ != net::TimerId::None && next && deadline_ && *deadline_ <= *next) return;
  loop_.cancel(deadline_timer_);
  deadline_timer_ = net::TimerId::None;
  deadline_ = next;
  if (!next) return;
  deadline_timer_ = loop_.after(std::max(*next - loop_.clock().now(), Duration(0)), [this] {
    deadline_timer_ = net::TimerId::None;
    Actions actions;
    coordinator_.advance(now(), actions);
    if (actions.empty()) return watch_deadline();
    apply(std::move(actions));
  });
}

void GroupService::expire_later() {
  expiry_timer_ = loop_.after(config_.offsets_retention_check_interval_ms, [this] {
    Actions actions;
    coordinator_.expire_offsets(now(), actions);
    apply(std::move(actions));
    expire_later();
  });
}

void GroupService::stop() {
  if (stopped_) return;
  stopped_ = true;
  loop_.cancel(std::exchange(deadline_timer_, net::TimerId::None));
  loop_.cancel(std::exchange(expiry_timer_, net::TimerId::None));
  for (auto& [waiter, done] : std::exchange(joining_, {})) {
    JoinResult result;
    result.error = KafkaError::CoordinatorNotAvailable;
    done(std::move(result));
  }
  for (auto& [waiter, done] : std::exchange(syncing_, {})) {
    SyncResult result;
    result.error = KafkaError::CoordinatorNotAvailable;
    done(std::move(result));
  }
}

}  // namespace penstock::broker
