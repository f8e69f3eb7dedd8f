// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>

#include "table/rocks.h"

namespace penstock::table {

// A store's RocksDB, and what happens to it after a disk error.
//
// RocksDB takes no writes after a failed one; the next change() mends that as soon as the disk is
// well, and reads go on meanwhile. Errors of flushes and of table files RocksDB forgives by itself.
// After a failed write of its log it no longer knows what that log holds, and only opening the
// database anew tells: so it is closed and opened, which moves all that the log had to table files
// of its own. What had been acknowledged is there; what had been refused may be.
//
// Any thread. Whoever holds a Use keeps the database open and must not call change().
class Database {
 public:
  // `on_open` sees the database before anybody else, each time that it is opened; its error is
  // open()'s.
  using OnOpen = std::function<Result<void>(rocksdb::DB&)>;
  Database(const rocksdb::Options& options, std::filesystem::path folder, OnOpen on_open);
  ~Database();  // close()

  Result<void> open();
  void close();

  // The open database.
  class Use {
   public:
    rocksdb::DB& operator*() const { return db_; }
    rocksdb::DB* operator->() const { return &db_; }

   private:
    friend class Database;
    Use(std::shared_lock<std::shared_mutex> lock, rocksdb::DB& db)
        : lock_(std::move(lock)), db_(db) {}
    std::shared_lock<std::shared_mutex> lock_;
    rocksdb::DB& db_;
  };
  // Fails only while the database could not be opened again.
  Result<Use> use() const;

  // Runs what writes, after mending what an earlier error has left. `what` went wrong, if it does.
  Result<void> change(std::string_view what,
                      const std::function<rocksdb::Status(rocksdb::DB&)>& write);
  // Mends what an earlier error has left, or says why it cannot yet.
  Result<void> ready();

 private:
  Result<void> open_alone();
  void close_alone();
  Result<void> reopen();
  Result<void> disk_is_well(const Use& use) const;

  const rocksdb::Options& options_;
  const std::filesystem::path folder_;
  const OnOpen on_open_;

  std::mutex mending_;  // before open_mutex_
  bool failed_ = false;
  mutable std::shared_mutex open_mutex_;  // alone: to close and to open
  std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace penstock::table
