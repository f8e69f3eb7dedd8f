// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <filesystem>

#include "table/committer.h"

namespace penstock::table {

// The write path of large batches: the batch becomes one sorted table file, which RocksDB then
// takes in as a whole. No log, no memtable: 2 to 3 times cheaper a row
// (docs/decisions/0050-two-ways-to-write.md). The file is synced before RocksDB's manifest names
// it, and the manifest is synced before `done`.
//
// Several threads sort and write files at the same time. add() on any thread; `done` runs on one of
// these threads. stop() finishes what was added.
class Ingester {
 public:
  // Files are written in `folder`, which must be on the database's file system; what an earlier
  // process left there is removed.
  Ingester(Database& database, const rocksdb::Options& options, const CurrentCatalog& catalog,
           const std::filesystem::path& folder, std::size_t threads, Metrics& metrics);

  void add(MutationBatch batch, Done done);
  void stop() { threads_.stop(); }

 private:
  Result<void> ingest(MutationBatch& batch);
  Result<void> write_file(MutationBatch& batch, const std::string& path);

  Database& database_;
  const rocksdb::Options& options_;
  const CurrentCatalog& catalog_;
  std::filesystem::path folder_;
  std::atomic<std::uint64_t> files_{0};
  Metrics::Counter rows_;
  Metrics::Counter commits_;
  Metrics::Histogram seconds_;
  net::BlockingPool threads_;
};

}  // namespace penstock::table
