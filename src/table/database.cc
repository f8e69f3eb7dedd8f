// SPDX-License-Identifier: Apache-2.0
#include "table/database.h"

#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include "base/logging.h"

namespace penstock::table {

Database::Database(const rocksdb::Options& options, std::filesystem::path folder, OnOpen on_open)
    : options_(options), folder_(std::move(folder)), on_open_(std::move(on_open)) {}

Database::~Database() {
  close();
}

Result<void> Database::open() {
  const std::unique_lock alone(open_mutex_);
  return open_alone();
}

Result<void> Database::open_alone() {
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(options_, folder_.string(), &opened);
  if (!status.ok()) {
    if (status.ToString().find("lock") != std::string::npos && status.IsIOError()) {
      return fail(Code::Conflict, "{} is in use by another process ({})", folder_.string(),
                  status.ToString());
    }
    return fail(rocks_error(status, fmt::format("opening {}", folder_.string())));
  }
  db_.reset(opened);
  auto ok = on_open_(*db_);
  if (!ok) db_.reset();
  return ok;
}

void Database::close() {
  const std::unique_lock alone(open_mutex_);
  close_alone();
}

void Database::close_alone() {
  if (!db_) return;
  const rocksdb::Status status = db_->Close();
  if (!status.ok()) log_warn("table", "Closing the table store: {}", status.ToString());
  db_.reset();
}

Result<Database::Use> Database::use() const {
  std::shared_lock lock(open_mutex_);
  if (!db_)
    return fail(Code::Unavailable, "{} could not be opened again after a disk error",
                folder_.string());
  return Use(std::move(lock), *db_);
}

Result<void> Database::change(std::string_view what,
                              const std::function<rocksdb::Status(rocksdb::DB&)>& write) {
  TRY(ready());
  rocksdb::Status status;
  {
    const Use db = TRY(use());
    status = write(*db);
  }
  if (status.ok()) return {};
  Error error = rocks_error(status, what);
  const std::lock_guard lock(mending_);
  if (!failed_)
    log_error("table", "{}. Writes are refused until the disk takes them again.", error.message);
  failed_ = true;
  return fail(std::move(error));
}

Result<void> Database::ready() {
  const std::lock_guard lock(mending_);
  if (!failed_) return {};
  if (auto mended = reopen(); !mended)
    return fail(std::move(mended.error())
                    .with("the table store takes no writes until the disk takes them again"));
  failed_ = false;
  log_info("table", "The table store takes writes again.");
  return {};
}

Result<void> Database::reopen() {
  if (const auto db = use()) {
    if ((*db)->Resume().ok()) return {};
    TRY(disk_is_well(*db));
  }
  // Reads that began before end first.
  const std::unique_lock alone(open_mutex_);
  close_alone();
  return open_alone();
}

// Whether opening the database will find room for what its log holds: if not, it stays as it is,
// good for reads.
Result<void> Database::disk_is_well(const Use& db) const {
  std::uint64_t bytes = 0;
  db->GetIntProperty(rocksdb::DB::Properties::kCurSizeAllMemTables, &bytes);
  const std::string chunk(1 << 20, '\0');
  const std::string path = (folder_ / "probe").string();
  std::unique_ptr<rocksdb::WritableFile> file;
  rocksdb::Status status = options_.env->NewWritableFile(path, &file, rocksdb::EnvOptions());
  for (std::uint64_t written = 0; status.ok() && written <= bytes; written += chunk.size())
    status = file->Append(chunk);
  if (status.ok()) status = file->Sync();
  if (file) file->Close().PermitUncheckedError();
  options_.env->DeleteFile(path).PermitUncheckedError();
  if (!status.ok()) return fail(rocks_error(status, "trying the disk"));
  return {};
}

}  // namespace penstock::table
