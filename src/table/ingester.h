// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <filesystem>

#include "table/committer.h"

namespace penstock::table {

// The write path of large batches: the batch is cut by key into as many parts as there are threads,
// each part becomes a sorted table file, and RocksDB takes all of them in at once or none. No log,
// no memtable: 2 to 3 times cheaper a row (docs/decisions/0050-two-ways-to-write.md). The files are
// synced before RocksDB's manifest names them, and the manifest is synced before `done`.
//
// Several threads sort and write files at the same time. add() on any thread; `done` runs on one of
// these threads. stop() finishes what was added.
class Ingester {
 public:
  // Files are written in `folder`, which must be on the database's file system; what an earlier
  // process left there is removed. A part has at least `part_records_min` records: a file costs a
  // sync.
  Ingester(Database& database, const rocksdb::Options& options, const CurrentCatalog& catalog,
           const std::filesystem::path& folder, std::size_t part_records_min, std::size_t threads,
           Metrics& metrics);

  void add(MutationBatch batch, Done done);
  void stop() { threads_.stop(); }

 private:
  struct Building;
  Result<void> write_file(const MutationBatch& batch,
                          std::span<const MutationBatch::Record> records, const std::string& path);
  Result<void> take_in(Building& building);
  void finish(Building& building);

  Database& database_;
  const rocksdb::Options& options_;
  const CurrentCatalog& catalog_;
  std::filesystem::path folder_;
  const std::size_t part_records_min_;
  const std::size_t parts_max_;
  std::atomic<std::uint64_t> files_{0};
  Metrics::Counter rows_;
  Metrics::Counter commits_;
  Metrics::Histogram seconds_;
  net::BlockingPool threads_;
};

}  // namespace penstock::table
