// SPDX-License-Identifier: Apache-2.0
#include "cql/executor.h"

#include <algorithm>

#include "cql/describe.h"
#include "cql/parser.h"
#include "cql/schema_statements.h"

namespace penstock::cql_server {
namespace {

constexpr std::size_t kTracesMax = 1'000;

Reply parse_error(const Error& error) {
  return error_reply(
      error.code == Code::Unsupported ? cql::ErrorCode::Invalid : cql::ErrorCode::SyntaxError,
      error.message);
}

Failure wrong_count(std::size_t markers, std::size_t values) {
  return fail(
      Code::InvalidArgument,
      "Invalid amount of bind variables: there were {} markers in CQL but {} bound variables",
      markers, values);
}

// The values in the order of the markers. `named` owns them when they came by name.
Result<std::span<const cql::CellValue>> bound_values(const Plan& plan,
                                                     const cql::QueryParams& params,
                                                     std::vector<cql::CellValue>& named) {
  if (params.names.empty()) {
    if (params.values.size() != plan.markers.size())
      return wrong_count(plan.markers.size(), params.values.size());
    return std::span<const cql::CellValue>(params.values);
  }
  for (const auto& marker : plan.markers) {
    const auto found = std::find(params.names.begin(), params.names.end(), marker.name);
    if (found == params.names.end())
      return fail(Code::InvalidArgument, "no value is bound to the marker '{}'", marker.name);
    named.push_back(params.values[static_cast<std::size_t>(found - params.names.begin())]);
  }
  return std::span<const cql::CellValue>(named);
}

bool same_columns(const Prepared& prepared, const Plan& plan) {
  return prepared.columns == plan.columns || *prepared.columns == *plan.columns;
}

WritePlan::Scratch& scratch_of_thread() {
  thread_local WritePlan::Scratch scratch;
  return scratch;
}

Reply unprepared(BytesView id) {
  cql::ErrorResponse response;
  response.code = cql::ErrorCode::Unprepared;
  response.message = fmt::format(
      "Prepared query with ID {} not found (either the query was not prepared on this host (maybe "
      "the host has been "
      "restarted?) or you have prepared too many queries and it has been evicted from the internal "
      "cache)",
      hex(id));
  response.prepared_id = id;
  return response;
}

}  // namespace

Executor::Executor(const CqlConfig& config, table::Store& store, net::BlockingPool& pool,
                   Metrics& metrics, const Clock& clock)
    : store_(store),
      pool_(pool),
      clock_(clock),
      system_(config),
      prepared_(config.prepared_max),
      rows_written_(
          metrics.counter("penstock_cql_rows_written_total",
                          "Row changes that clients sent and the store has made durable.")),
      batches_(metrics.counter("penstock_cql_batches_total", "BATCH requests.")),
      selects_(metrics.counter("penstock_cql_selects_total",
                               "SELECT statements executed, pages counted one by one.")) {}

std::int64_t Executor::next_timestamp() {
  const std::int64_t now = clock_.wall_micros();
  std::int64_t before = last_timestamp_.load(std::memory_order_relaxed);
  std::int64_t next = 0;
  do next = std::max(now, before + 1);
  while (!last_timestamp_.compare_exchange_weak(before, next, std::memory_order_relaxed));
  return next;
}

Context Executor::context_of(std::span<const cql::CellValue> values,
                             std::optional<std::int64_t> timestamp) {
  return {values, clock_.wall_micros(), timestamp ? *timestamp : next_timestamp()};
}

Result<PlanPtr> Executor::current_plan(Prepared& prepared, const table::CatalogPtr& catalog) const {
  PlanPtr plan = prepared.plan.load(std::memory_order_acquire);
  if (plan->catalog == catalog) [[likely]]
    return plan;
  const auto statement = TRY(parse_statement(prepared.text));
  plan = TRY(make_plan(statement, prepared.keyspace, catalog, system_));
  prepared.plan.store(plan, std::memory_order_release);
  return plan;
}

void Executor::query(const Caller& caller, const cql::QueryRequest& request, Respond respond) {
  const auto statement = parse_statement(request.query);
  if (!statement) return respond(parse_error(statement.error()));
  auto plan = make_plan(*statement, caller.keyspace, store_.catalog(), system_);
  if (!plan) return respond(plan.error());
  run(caller, *plan, request.params, false, std::move(respond));
}

Reply Executor::prepare(const Caller& caller, std::string_view text) {
  const auto statement = parse_statement(text);
  if (!statement) return parse_error(statement.error());
  const auto plan = make_plan(*statement, caller.keyspace, store_.catalog(), system_);
  if (!plan) return plan.error();
  auto prepared = std::make_shared<Prepared>();
  prepared->keyspace = uses_current_keyspace(*statement) ? caller.keyspace : std::string();
  prepared->text = text;
  prepared->id = prepared_id(prepared->keyspace, text);
  prepared->columns = (*plan)->columns;
  prepared->plan.store(*plan);
  const PreparedPtr kept = prepared_.add(prepared);

  cql::PreparedResult result;
  result.id = kept->id;
  result.markers = (*plan)->markers;
  result.partition_key_markers = (*plan)->partition_key_markers;
  result.rows.columns = *(*plan)->columns;
  result.rows.column_count = static_cast<std::int32_t>(result.rows.columns.size());
  return result;
}

void Executor::execute(const Caller& caller, const cql::ExecuteRequest& request, Respond respond) {
  const PreparedPtr prepared = prepared_.find(request.id);
  if (!prepared) return respond(unprepared(request.id));
  const auto plan = current_plan(*prepared, store_.catalog());
  if (!plan) return respond(plan.error());
  run(caller, *plan, request.params, same_columns(*prepared, **plan), std::move(respond));
}

void Executor::run(const Caller& caller, const PlanPtr& plan, const cql::QueryParams& params,
                   bool may_skip_columns, Respond respond) {
  std::vector<cql::CellValue> named;
  const auto values = bound_values(*plan, params, named);
  if (!values) return respond(values.error());
  const Context context = context_of(*values, params.timestamp_micros);
  if (std::holds_alternative<WritePlan>(plan->body))
    return run_write(plan, context, std::move(respond));
  if (std::holds_alternative<SelectPlan>(plan->body))
    return run_select(caller, plan, context, params, may_skip_columns, std::move(respond));
  if (std::holds_alternative<BatchPlan>(plan->body))
    return run_batch(plan, context, std::move(respond));
  run_schema(caller, plan, std::move(respond));
}

void Executor::run_select(const Caller& caller, const PlanPtr& plan, const Context& context,
                          const cql::QueryParams& params, bool may_skip_columns, Respond respond) {
  selects_.add();
  const auto& select = std::get<SelectPlan>(plan->body);
  auto bound = select.bind(context, {params.page_size, params.paging_state, plan->text_hash});
  if (!bound) return respond(bound.error());
  const bool of_system = system_.is_system(select.table().keyspace);
  pool_.run([this, plan, bound = std::move(*bound), skip = may_skip_columns && params.skip_metadata,
             of_system, caller = of_system ? caller : Caller{},
             respond = std::move(respond)]() mutable {
    const auto page_of = [&]() -> Result<Page> {
      if (!of_system) return bound.run(store_);
      return bound.run(
          TRY(system_.rows(std::get<SelectPlan>(plan->body).table(), system_state(caller))));
    };
    auto page = page_of();
    if (!page) return respond(page.error());
    respond(RowsReply{std::move(page->rows), plan->columns, skip, std::move(page->state)});
  });
}

void Executor::run_write(const PlanPtr& plan, const Context& context, Respond respond) {
  table::MutationBatch mutations(context.now_micros / 1'000'000);
  if (auto ok = std::get<WritePlan>(plan->body).append(context, mutations, scratch_of_thread());
      !ok)
    return respond(ok.error());
  apply(std::move(mutations), std::move(respond));
}

void Executor::run_batch(const PlanPtr& plan, Context context, Respond respond) {
  const auto& batch = std::get<BatchPlan>(plan->body);
  Arena arena;
  const auto micros = write_timestamp(batch.timestamp, context, arena);
  if (!micros) return respond(micros.error());
  context.timestamp_micros = *micros;
  table::MutationBatch mutations(context.now_micros / 1'000'000);
  for (const WritePlan& write : batch.writes)
    if (auto ok = write.append(context, mutations, scratch_of_thread()); !ok)
      return respond(ok.error());
  apply(std::move(mutations), std::move(respond));
}

void Executor::apply(table::MutationBatch batch, Respond respond) {
  const auto rows = static_cast<double>(batch.size());
  store_.apply(std::move(batch),
               [this, rows, respond = std::move(respond)](Result<void> done) mutable {
                 if (done) {
                   rows_written_.add(rows);
                   return respond(cql::VoidResult{});
                 }
                 // Conflict: the table was truncated or dropped under way. Clients are told
                 // Overloaded (to_cql): sent again, the statement meets the new table or learns
                 // that there is none.
                 respond(done.error());
               });
}

void Executor::run_schema(const Caller& caller, const PlanPtr& plan, Respond respond) {
  const auto& body = std::get<ast::Body>(plan->body);
  if (const auto* use = std::get_if<ast::Use>(&body)) {
    if (!system_.is_system(use->keyspace) && !plan->catalog->keyspace(use->keyspace))
      return respond(error_reply(cql::ErrorCode::Invalid,
                                 fmt::format("Keyspace '{}' does not exist", use->keyspace)));
    return respond(cql::SetKeyspaceResult{use->keyspace});
  }
  if (const auto* statement = std::get_if<ast::Describe>(&body)) {
    auto description = describe(*statement, caller.keyspace, system_, *plan->catalog);
    if (!description) return respond(description.error());
    auto columns =
        std::make_shared<const std::vector<cql::ColumnSpec>>(std::move(description->columns));
    return respond(
        RowsReply{std::move(description->rows), std::move(columns), false, std::nullopt});
  }
  pool_.run([this, plan, respond = std::move(respond)]() mutable {
    Reply reply = run_schema_statement(std::get<ast::Body>(plan->body), plan->keyspace, system_,
                                       store_, clock_.wall_micros());
    if (const auto* change = std::get_if<cql::SchemaChange>(&reply.body);
        change != nullptr && listener_)
      listener_(*change);
    respond(std::move(reply));
  });
}

Result<void> Executor::append_batch(const Caller& caller, const cql::BatchRequest& request,
                                    table::MutationBatch& mutations, Reply& refusal) {
  const table::CatalogPtr catalog = store_.catalog();
  Context context = context_of({}, request.timestamp_micros);
  WritePlan::Scratch& scratch = scratch_of_thread();
  BytesView last_id;
  PlanPtr plan;
  for (const auto& statement : request.statements) {
    if (!statement.prepared) {
      const auto parsed = parse_statement(statement.query_or_id);
      if (!parsed) {
        refusal = parse_error(parsed.error());
        return fail(parsed.error());
      }
      plan = TRY(make_plan(*parsed, caller.keyspace, catalog, system_));
      last_id = {};
    } else if (statement.query_or_id != last_id || plan == nullptr) {
      const PreparedPtr prepared = prepared_.find(statement.query_or_id);
      if (!prepared) {
        refusal = unprepared(statement.query_or_id);
        return fail(Code::NotFound, "unprepared");
      }
      plan = TRY(current_plan(*prepared, catalog));
      last_id = statement.query_or_id;
    }
    const auto* write = std::get_if<WritePlan>(&plan->body);
    if (write == nullptr)
      return fail(
          Code::InvalidArgument,
          "Invalid statement in batch: only UPDATE, INSERT and DELETE statements are allowed.");
    if (statement.values_count != plan->markers.size())
      return wrong_count(plan->markers.size(), statement.values_count);
    context.values = request.values_of(statement);
    TRY(write->append(context, mutations, scratch));
  }
  return {};
}

void Executor::batch(const Caller& caller, const cql::BatchRequest& request, Respond respond) {
  batches_.add();
  if (request.type == cql::BatchType::Counter)
    return respond(error_reply(cql::ErrorCode::Invalid,
                               "Cannot include a non-counter statement in a counter batch"));
  std::size_t bytes = 0;
  for (const auto& value : request.values) bytes += value.size() + 2;
  table::MutationBatch mutations(clock_.wall_micros() / 1'000'000);
  mutations.reserve(request.statements.size(), bytes + request.statements.size() * 64);
  Reply refusal;
  if (auto ok = append_batch(caller, request, mutations, refusal); !ok)
    return respond(refusal.is_error() ? std::move(refusal) : Reply(ok.error()));
  apply(std::move(mutations), std::move(respond));
}

void Executor::add_trace(TracedRequest trace) {
  const std::lock_guard lock(traces_mutex_);
  traces_.push_back(std::move(trace));
  if (traces_.size() > kTracesMax) traces_.pop_front();
}

SystemState Executor::system_state(const Caller& caller) const {
  SystemState state;
  state.catalog = store_.catalog();
  state.local_host = caller.local_host;
  state.local_port = caller.local_port;
  state.store = &store_;
  for (const PreparedPtr& prepared : prepared_.all())
    state.prepared.push_back({prepared->id, prepared->keyspace, prepared->text});
  const std::lock_guard lock(traces_mutex_);
  state.traces.assign(traces_.begin(), traces_.end());
  return state;
}

}  // namespace penstock::cql_server
