// SPDX-License-Identifier: Apache-2.0
#include "table/committer.h"

#include <rocksdb/db.h>

#include <iterator>

#include "base/logging.h"

namespace penstock::table {
namespace {

// More than this does not go into one write: its first batches would wait for the last ones'
// memtable work.
constexpr std::size_t kGroupBytesMax = 4 << 20;

}  // namespace

Committer::Committer(Database& database, const CurrentCatalog& catalog, Metrics& metrics)
    : database_(database),
      catalog_(catalog),
      rows_(metrics.counter("penstock_table_written_records_total", "Records written to tables",
                            {{"path", "log"}})),
      commits_(metrics.counter("penstock_table_commits_total", "Synced writes to tables",
                               {{"path", "log"}})),
      seconds_(metrics.histogram("penstock_table_commit_seconds", "Time of a synced write",
                                 {{"path", "log"}})),
      thread_(1, "table-commit") {}

void Committer::add(MutationBatch batch, Done done) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({std::move(batch), std::move(done)});
    if (running_) return;
    running_ = true;
  }
  thread_.run([this] { run(); });
}

void Committer::run() {
  for (std::deque<Waiting> group = take(); !group.empty(); group = take()) commit(group);
}

std::deque<Committer::Waiting> Committer::take() {
  const std::lock_guard lock(mutex_);
  std::size_t bytes = 0;
  auto end = waiting_.begin();
  while (end != waiting_.end() && (bytes == 0 || bytes + end->batch.bytes() <= kGroupBytesMax)) {
    bytes += end->batch.bytes();
    ++end;
  }
  std::deque<Waiting> group(std::make_move_iterator(waiting_.begin()),
                            std::make_move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
  running_ = !group.empty();
  return group;
}

void Committer::commit(std::deque<Waiting>& group) {
  const auto started = std::chrono::steady_clock::now();
  std::size_t bytes = 0;
  std::size_t records = 0;
  for (const Waiting& one : group) {
    bytes += one.batch.bytes() + 16 * one.batch.size();
    records += one.batch.size();
  }
  rocksdb::WriteBatch all(bytes + 64);
  for (Waiting& one : group) {
    if (Result<void> stale = catalog_.check(one.batch); !stale) {
      std::exchange(one.done, nullptr)(std::move(stale));
      continue;
    }
    for (const MutationBatch::Record& record : one.batch.records()) {
      all.Merge(slice(one.batch.key(record)), slice(one.batch.value(record)));
    }
  }
  Result<void> outcome;
  if (all.Count() != 0) {
    rocksdb::WriteOptions options;
    options.sync = true;
    outcome = database_.change("writing rows failed",
                               [&](rocksdb::DB& db) { return db.Write(options, &all); });
  }
  rows_.add(static_cast<double>(records));
  commits_.add();
  seconds_.observe(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count());
  for (Waiting& one : group) {
    if (one.done) one.done(outcome);
  }
}

}  // namespace penstock::table
