// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/function.h"
#include "base/metrics.h"
#include "base/result.h"
#include "table/catalog.h"
#include "table/mutation.h"
#include "table/read_query.h"

namespace rocksdb {
class Env;
}

namespace penstock::table {

struct StoreOptions {
  std::size_t block_cache_bytes = 32 << 20;
  std::size_t write_buffer_bytes = 16 << 20;  // of each of up to four
  int background_threads = 2;                 // for flushes and compactions
  int open_files_max = 512;
  // Batches with at least this many records skip log and memtable: they are sorted, written as one
  // table file and added to the store (docs/decisions/0050-two-ways-to-write.md).
  std::size_t ingest_records_min = 4'000;
  std::size_t build_threads = 2;  // that sort and write such files
  rocksdb::Env* env = nullptr;    // tests: a disk that fails or forgets
};

// The tables of one node in one folder.
//
// Owns the folder (a second process is refused), the committer thread, the threads that build large
// batches, and RocksDB's own. Every member may be called on any thread at any time until close();
// those marked "blocks" go to disk and belong on a blocking pool. There is no partial state: a
// batch, a change of the schema, is there as a whole or not at all, also after a crash at any
// moment.
class Store {
 public:
  // Opens or creates. Blocks. Conflict if another process has the folder, Corrupt or Io with the
  // file at fault.
  static Result<std::unique_ptr<Store>> open(const std::filesystem::path& folder,
                                             const StoreOptions& options, Metrics& metrics,
                                             const Clock& clock);
  ~Store();  // close()
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Takes a batch and calls `done` once, on a thread of the store, when the batch is on disk and
  // visible to reads, or with the reason why it is not. `done` must be quick and not call close().
  // Small batches that wait at the same time share one write and one sync. Errors: Conflict = a
  // table of the batch has been dropped or truncated since its definition was taken from the
  // catalog (take it anew); NoSpace and Io = nothing was acknowledged, the batch may or may not be
  // found later, and later batches are taken as soon as the disk is well; Closed. An empty batch is
  // done at once. Batches are not ordered among each other: timestamps decide.
  void apply(MutationBatch batch, Function<void(Result<void>)> done);
  // apply(), waiting for it. Blocks; not from a `done`.
  Result<void> apply_and_wait(MutationBatch batch);

  // Shows every live row of the query to `visit` until it says Stop. Blocks. Sees every batch whose
  // `done` was called before; within one partition it is a consistent view of one moment.
  Result<ReadStats> read(const ReadQuery& query,
                         const std::function<Visit(const RowView&)>& visit) const;

  // The schema of now. Cheap; take it for each statement.
  CatalogPtr catalog() const;
  // Runs `change` on a copy of the schema and makes the outcome durable, then current. One change
  // at a time. Blocks. Returns the new catalog, or the current one when `change` altered nothing,
  // or the error of `change`.
  Result<CatalogPtr> change_schema(const ChangeSchema& change);

  // About how many bytes on disk and how many partitions the token range has: for
  // system.size_estimates. Blocks.
  struct SizeEstimate {
    std::uint64_t bytes = 0;
    std::uint64_t partitions = 0;
  };
  Result<SizeEstimate> estimate(const TableDef& table, const TokenRange& tokens) const;

  // Writes what is in memory to table files. Blocks.
  Result<void> flush();
  // Rewrites everything: drops expired cells, deletions older than their table's gc_grace_seconds,
  // and what dropped tables left. Blocks, long.
  Result<void> compact();

  // Reads that are under way, and later ones, answer Closed soon. Any thread.
  void end_reads();
  // Completes what was taken, then closes the files. Later calls answer Closed. Blocks; not from a
  // `done`.
  void close();

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::table
