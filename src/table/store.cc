// SPDX-License-Identifier: Apache-2.0
#include "table/store.h"

#include <rocksdb/convenience.h>
#include <rocksdb/db.h>

#include <atomic>
#include <future>
#include <mutex>
#include <shared_mutex>

#include "base/check.h"
#include "base/logging.h"
#include "table/catalog_codec.h"
#include "table/committer.h"
#include "table/current_catalog.h"
#include "table/database.h"
#include "table/ingester.h"
#include "table/reader.h"
#include "table/rocks_options.h"
#include "table/row_filter.h"

namespace penstock::table {

struct Store::Impl {
  explicit Impl(const StoreOptions& opened_with, const Clock& time)
      : options(opened_with),
        clock(time),
        filters(current, time),
        rocks(rocks_options(opened_with, filters)) {}

  Result<void> open(const std::filesystem::path& folder, Metrics& metrics);
  Result<void> load_catalog(rocksdb::DB& db);
  Result<void> save(const Catalog& before, const Catalog& after);
  void drop_files(const Catalog& before, const Catalog& after);

  StoreOptions options;
  const Clock& clock;
  CurrentCatalog current;
  RowFilters filters;
  rocksdb::Options rocks;
  std::unique_ptr<Database> database;
  std::unique_ptr<Committer> committer;
  std::unique_ptr<Ingester> ingester;

  std::mutex schema_mutex;  // one change of the schema at a time
  // Held shared by every call that uses the database, alone by close().
  mutable std::shared_mutex open_mutex;
  bool is_open = true;
  std::atomic<bool> reads_ended{false};
};

namespace {

Failure closed() {
  return fail(Code::Closed, "the table store is closed");
}

std::pair<Bytes, Bytes> table_bounds(TableId table) {
  std::pair<Bytes, Bytes> bounds;
  append_table(table, bounds.first);
  append_table(table + 1, bounds.second);
  return bounds;
}

}  // namespace

Result<void> Store::Impl::open(const std::filesystem::path& folder, Metrics& metrics) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(system_error(error.value(), fmt::format("creating {}", folder.string())));
  // Also when it is opened again: of a schema change that failed nobody knows whether it was
  // written.
  database = std::make_unique<Database>(rocks, folder,
                                        [this](rocksdb::DB& db) { return load_catalog(db); });
  TRY_WITH(database->open(), folder.string());
  committer = std::make_unique<Committer>(*database, current, metrics);
  ingester = std::make_unique<Ingester>(*database, rocks, current, folder / "building",
                                        options.ingest_records_min, options.build_threads, metrics);
  return {};
}

Result<void> Store::Impl::load_catalog(rocksdb::DB& db) {
  std::vector<CatalogCodec::Record> records;
  rocksdb::ReadOptions read;
  read.total_order_seek = true;
  const Bytes prefix = CatalogCodec::prefix();
  const std::unique_ptr<rocksdb::Iterator> it(db.NewIterator(read));
  for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix); it->Next()) {
    records.push_back({it->key().ToString(), it->value().ToString()});
  }
  if (!it->status().ok()) return fail(rocks_error(it->status(), "reading the schema"));
  current.set(TRY(CatalogCodec::decode(records)));
  return {};
}

Result<void> Store::Impl::save(const Catalog& before, const Catalog& after) {
  const CatalogCodec::Changes changes = CatalogCodec::difference(before, after);
  rocksdb::WriteBatch batch;
  for (const auto& record : changes.put) batch.Put(record.key, record.value);
  for (const Bytes& key : changes.remove) batch.Delete(key);
  rocksdb::WriteOptions write;
  write.sync = true;
  return database->change("writing the schema failed",
                          [&](rocksdb::DB& db) { return db.Write(write, &batch); });
}

// Files that hold nothing but a table that is gone can go at once; compaction removes the rest of
// it.
void Store::Impl::drop_files(const Catalog& before, const Catalog& after) {
  const auto db = database->use();
  if (!db) return;
  for (const auto& keyspace : before.keyspaces()) {
    for (const auto& entry : keyspace.second->tables) {
      if (after.table(entry.second->number)) continue;
      const auto [first, behind] = table_bounds(entry.second->number);
      const rocksdb::Slice from(first);
      const rocksdb::Slice to(behind);
      const rocksdb::Status status =
          rocksdb::DeleteFilesInRange(&**db, (*db)->DefaultColumnFamily(), &from, &to, false);
      if (!status.ok())
        log_warn("table", "Freeing the files of {}: {}", entry.second->name, status.ToString());
    }
  }
}

Result<std::unique_ptr<Store>> Store::open(const std::filesystem::path& folder,
                                           const StoreOptions& options, Metrics& metrics,
                                           const Clock& clock) {
  auto impl = std::make_unique<Impl>(options, clock);
  TRY_WITH(impl->open(folder, metrics), "table store");
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() {
  close();
}

void Store::apply(MutationBatch batch, Function<void(Result<void>)> done) {
  const std::shared_lock lock(impl_->open_mutex);
  if (!impl_->is_open) return done(closed());
  if (batch.empty()) return done({});
  if (batch.size() >= impl_->options.ingest_records_min) {
    impl_->ingester->add(std::move(batch), std::move(done));
  } else {
    impl_->committer->add(std::move(batch), std::move(done));
  }
}

Result<void> Store::apply_and_wait(MutationBatch batch) {
  std::promise<Result<void>> outcome;
  apply(std::move(batch), [&](Result<void> result) { outcome.set_value(std::move(result)); });
  return outcome.get_future().get();
}

Result<ReadStats> Store::read(const ReadQuery& query,
                              const std::function<Visit(const RowView&)>& visit) const {
  const std::shared_lock lock(impl_->open_mutex);
  if (!impl_->is_open) return closed();
  CHECK(query.table != nullptr);
  const std::int64_t now = query.now_seconds.value_or(impl_->clock.wall_micros() / 1'000'000);
  const auto db = TRY(impl_->database->use());
  const auto visit_unless_ended = [&](const RowView& row) {
    return impl_->reads_ended.load(std::memory_order_relaxed) ? Visit::Stop : visit(row);
  };
  const ReadStats stats = TRY(read_rows(*db, query, now, visit_unless_ended));
  if (impl_->reads_ended) return closed();
  return stats;
}

void Store::end_reads() {
  impl_->reads_ended = true;
}

CatalogPtr Store::catalog() const {
  return impl_->current.get();
}

Result<CatalogPtr> Store::change_schema(const ChangeSchema& change) {
  const std::shared_lock lock(impl_->open_mutex);
  if (!impl_->is_open) return closed();
  const std::lock_guard one_at_a_time(impl_->schema_mutex);
  TRY(impl_->database->ready());  // which may find a change that was thought to have failed
  const CatalogPtr before = impl_->current.get();
  CatalogEdit edit(*before);
  TRY(change(edit));
  if (!edit.changed()) return before;
  const CatalogPtr after = std::move(edit).finish();
  TRY(impl_->save(*before, *after));
  impl_->current.set(after);
  impl_->drop_files(*before, *after);
  return after;
}

Result<Store::SizeEstimate> Store::estimate(const TableDef& table, const TokenRange& tokens) const {
  const std::shared_lock lock(impl_->open_mutex);
  if (!impl_->is_open) return closed();
  Bytes first;
  append_token(table.number, tokens.first, first);
  Bytes behind = table_bounds(table.number).second;
  if (tokens.last != TokenRange{}.last) {
    behind.clear();
    append_token(table.number, tokens.last + 1, behind);
  }
  const rocksdb::Range range(first, behind);
  rocksdb::SizeApproximationOptions options;
  options.include_memtables = true;
  SizeEstimate estimate;
  const auto db = TRY(impl_->database->use());
  const rocksdb::Status status =
      db->GetApproximateSizes(options, db->DefaultColumnFamily(), &range, 1, &estimate.bytes);
  if (!status.ok()) return fail(rocks_error(status, "estimating a size"));
  std::uint64_t all_keys = 0;
  std::uint64_t all_bytes = 0;
  db->GetIntProperty(rocksdb::DB::Properties::kEstimateNumKeys, &all_keys);
  db->GetIntProperty(rocksdb::DB::Properties::kEstimateLiveDataSize, &all_bytes);
  if (all_bytes != 0)
    estimate.partitions = static_cast<std::uint64_t>(static_cast<double>(all_keys) *
                                                     static_cast<double>(estimate.bytes) /
                                                     static_cast<double>(all_bytes));
  return estimate;
}

Result<void> Store::flush() {
  const std::shared_lock lock(impl_->open_mutex);
  if (!impl_->is_open) return closed();
  return impl_->database->change("flushing failed", [](rocksdb::DB& db) { return db.Flush({}); });
}

Result<void> Store::compact() {
  TRY(flush());
  const std::shared_lock lock(impl_->open_mutex);
  if (!impl_->is_open) return closed();
  // What is flushed now is all that was written before: see RowFilters. The first pass leaves one
  // value a key, and only such can be judged alone; the second judges.
  const std::int64_t now = impl_->clock.wall_micros() / 1'000'000;
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  for (const std::int64_t purge_before : {RowFilters::kNoPurge, now}) {
    impl_->filters.purge_before(purge_before);
    const auto compacted = impl_->database->change("compacting failed", [&](rocksdb::DB& db) {
      return db.CompactRange(options, nullptr, nullptr);
    });
    impl_->filters.purge_before(RowFilters::kNoPurge);
    TRY(compacted);
  }
  return {};
}

void Store::close() {
  {
    const std::unique_lock lock(impl_->open_mutex);
    if (!impl_->is_open) return;
    impl_->is_open = false;
  }
  if (impl_->ingester) impl_->ingester->stop();
  if (impl_->committer) impl_->committer->stop();
  if (impl_->database) impl_->database->close();
}

}  // namespace penstock::table
