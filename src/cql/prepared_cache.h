// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "cql/plan.h"

namespace penstock::cql_server {

// A statement that clients name by its id. The plan is replaced when the catalog has changed.
struct Prepared {
  Bytes id;
  std::string keyspace;
  std::string text;
  // The columns that clients were told; they may skip metadata only while rows still have these.
  std::shared_ptr<const std::vector<cql::ColumnSpec>> columns;
  std::atomic<std::shared_ptr<const Plan>> plan;
  std::atomic<std::uint64_t> last_used{0};
};
using PreparedPtr = std::shared_ptr<Prepared>;

// MD5 of keyspace and text, as Cassandra has it: a pure function, so ids stay good over restarts
// and reconnects.
Bytes prepared_id(std::string_view keyspace, std::string_view text);

// The prepared statements of all connections, at most so many: the least recently used goes first,
// and is answered with "unprepared" until its client prepares it again. Any thread.
class PreparedCache {
 public:
  explicit PreparedCache(std::size_t statements_max) : statements_max_(statements_max) {}

  PreparedPtr find(BytesView id);
  // The one that is there already goes before `statement`: its clients know its columns.
  PreparedPtr add(PreparedPtr statement);
  std::vector<PreparedPtr> all() const;

 private:
  const std::size_t statements_max_;
  mutable std::mutex mutex_;
  std::uint64_t uses_ = 0;
  std::unordered_map<std::string_view, PreparedPtr> statements_;  // keys are views of Prepared::id
};

}  // namespace penstock::cql_server
