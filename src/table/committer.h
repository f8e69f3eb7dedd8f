// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <mutex>

#include "base/function.h"
#include "base/metrics.h"
#include "net/loop.h"
#include "table/current_catalog.h"
#include "table/rocks.h"

namespace penstock::table {

using Done = Function<void(Result<void>)>;

// What happens after a disk error. RocksDB takes no writes then. Errors of flushes and of table
// files end when the disk is well again: the next write resumes. After a failed write of the log
// nobody knows what the log holds, and only opening the database anew tells; until then writes are
// refused with that advice, and reads go on.
class Recovery {
 public:
  explicit Recovery(rocksdb::DB& db) : db_(db) {}
  // Before a write: after a failed one, tries to resume; an error if the disk is still ill.
  Result<void> ready();
  // After a write.
  Result<void> outcome(const rocksdb::Status& status, std::string_view what);

 private:
  rocksdb::DB& db_;
  std::mutex mutex_;
  bool failed_ = false;
};

// The write path of small batches: one thread that takes whatever waits, writes it to RocksDB's log
// and memtable as one batch with one sync, and then answers all of it. So a thousand clients share
// a sync, and one client waits for one.
//
// add() on any thread. `done` runs on the committer's thread. stop() finishes what was added.
class Committer {
 public:
  Committer(rocksdb::DB& db, Recovery& recovery, const CurrentCatalog& catalog, Metrics& metrics);

  void add(MutationBatch batch, Done done);
  void stop() { thread_.stop(); }

 private:
  struct Waiting {
    MutationBatch batch;
    Done done;
  };

  void run();
  std::deque<Waiting> take();
  void commit(std::deque<Waiting>& group);

  rocksdb::DB& db_;
  Recovery& recovery_;
  const CurrentCatalog& catalog_;
  Metrics::Counter rows_;
  Metrics::Counter commits_;
  Metrics::Histogram seconds_;

  std::mutex mutex_;
  std::deque<Waiting> waiting_;
  bool running_ = false;  // run() is queued or at work
  net::BlockingPool thread_;
};

}  // namespace penstock::table
