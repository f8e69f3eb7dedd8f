// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "broker/group_coordinator/types.h"

namespace penstock::broker {

// When what must happen if nothing else does. At most one deadline a key; setting it again moves
// it.
class Deadlines {
 public:
  enum class Kind {
    Session,       // of a member, or of a pending one: it is gone unless it has spoken
    InitialDelay,  // of an Empty group that somebody joined: stop waiting for more
    Rebalance,     // of a join phase: go on without who has not rejoined
    Sync,          // of a sync phase: throw out who has not synced
  };
  struct Key {
    GroupId group;
    Kind kind;
    MemberId member;  // for Session
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  void set(const Key& key, TimePoint at) {
    cancel(key);
    by_key_.emplace(key, at);
    by_time_.emplace(at, key);
  }
  void cancel(const Key& key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return;
    by_time_.erase({found->second, key});
    by_key_.erase(found);
  }
  bool has(const Key& key) const { return by_key_.contains(key); }

  std::optional<TimePoint> next() const {
    if (by_time_.empty()) return std::nullopt;
    return by_time_.begin()->first;
  }
  // The earliest deadline that has come, which is forgotten.
  std::optional<Key> take_due(TimePoint now) {
    if (by_time_.empty() || by_time_.begin()->first > now) return std::nullopt;
    Key key = by_time_.begin()->second;
    cancel(key);
    return key;
  }

 private:
  std::map<Key, TimePoint> by_key_;
  std::set<std::pair<TimePoint, Key>> by_time_;
};

}  // namespace penstock::broker
