// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "cql/plan.h"
#include "cql/prepared_cache.h"
#include "cql/reply.h"
#include "cql/system_tables.h"
#include "net/loop.h"
#include "table/store.h"
#include "wire/cql/requests.h"

namespace penstock::cql_server {

// What of a connection a request needs.
struct Caller {
  std::string keyspace;
  std::string local_host;
  std::uint16_t local_port = 0;
};

// Runs statements: parses and plans them, hands writes to the store and reads to the blocking pool.
// Any thread. Nothing that is passed in is looked at after a call has returned; `respond` is called
// once, perhaps later, on a thread of the store or the pool, perhaps before the call returns.
class Executor {
 public:
  Executor(const CqlConfig& config, table::Store& store, net::BlockingPool& pool, Metrics& metrics,
           const Clock& clock);

  void query(const Caller& caller, const cql::QueryRequest& request, Respond respond);
  Reply prepare(const Caller& caller, std::string_view text);
  void execute(const Caller& caller, const cql::ExecuteRequest& request, Respond respond);
  // A batch takes all of its writes or none: they go to the store as one.
  void batch(const Caller& caller, const cql::BatchRequest& request, Respond respond);

  // Hears of every change of the schema, before the one who made it is answered. Set once, before
  // the first request.
  void on_schema_change(std::function<void(const cql::SchemaChange&)> listener) {
    listener_ = std::move(listener);
  }

  void add_trace(TracedRequest trace);
  const Clock& clock() const { return clock_; }
  const SystemTables& system() const { return system_; }

 private:
  Result<PlanPtr> current_plan(Prepared& prepared, const table::CatalogPtr& catalog) const;
  void run(const Caller& caller, const PlanPtr& plan, const cql::QueryParams& params,
           bool may_skip_columns, Respond respond);
  void run_select(const Caller& caller, const PlanPtr& plan, const Context& context,
                  const cql::QueryParams& params, bool may_skip_columns, Respond respond);
  void run_write(const PlanPtr& plan, const Context& context, Respond respond);
  void run_batch(const PlanPtr& plan, Context context, Respond respond);
  void run_schema(const Caller& caller, const PlanPtr& plan, Respond respond);
  Result<void> append_batch(const Caller& caller, const cql::BatchRequest& request,
                            table::MutationBatch& mutations, Reply& refusal);
  void apply(table::MutationBatch batch, Respond respond);
  Context context_of(std::span<const cql::CellValue> values, std::optional<std::int64_t> timestamp);
  std::int64_t next_timestamp();
  SystemState system_state(const Caller& caller) const;

  table::Store& store_;
  net::BlockingPool& pool_;
  const Clock& clock_;
  SystemTables system_;
  PreparedCache prepared_;
  std::function<void(const cql::SchemaChange&)> listener_;
  std::atomic<std::int64_t> last_timestamp_{0};
  mutable std::mutex traces_mutex_;
  std::deque<TracedRequest> traces_;
  Metrics::Counter rows_written_;
  Metrics::Counter batches_;
  Metrics::Counter selects_;
};

}  // namespace penstock::cql_server
