// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <mutex>

#include "base/function.h"
#include "base/metrics.h"
#include "net/loop.h"
#include "table/current_catalog.h"
#include "table/database.h"

namespace penstock::table {

using Done = Function<void(Result<void>)>;

// The write path of small batches: one thread that takes whatever waits, writes it to RocksDB's log
// and memtable as one batch with one sync, and then answers all of it. So a thousand clients share
// a sync, and one client waits for one.
//
// add() on any thread. `done` runs on the committer's thread. stop() finishes what was added.
class Committer {
 public:
  Committer(Database& database, const CurrentCatalog& catalog, Metrics& metrics);

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

  Database& database_;
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
