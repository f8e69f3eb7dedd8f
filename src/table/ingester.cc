// SPDX-License-Identifier: Apache-2.0
#include "table/ingester.h"

#include <rocksdb/db.h>
#include <rocksdb/sst_file_writer.h>

#include "table/row_format.h"

namespace penstock::table {

Ingester::Ingester(Database& database, const rocksdb::Options& options,
                   const CurrentCatalog& catalog, const std::filesystem::path& folder,
                   std::size_t threads, Metrics& metrics)
    : database_(database),
      options_(options),
      catalog_(catalog),
      folder_(folder),
      rows_(metrics.counter("penstock_table_written_records_total", "Records written to tables",
                            {{"path", "file"}})),
      commits_(metrics.counter("penstock_table_commits_total", "Synced writes to tables",
                               {{"path", "file"}})),
      seconds_(metrics.histogram("penstock_table_commit_seconds", "Time of a synced write",
                                 {{"path", "file"}})),
      threads_(threads, "table-build") {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
  std::filesystem::create_directories(folder_,
                                      ignored);  // if it failed, writing the first file says so
}

void Ingester::add(MutationBatch batch, Done done) {
  threads_.run([this, batch = std::move(batch), done = std::move(done)]() mutable {
    const auto started = std::chrono::steady_clock::now();
    Result<void> outcome = ingest(batch);
    rows_.add(static_cast<double>(batch.size()));
    commits_.add();
    seconds_.observe(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count());
    done(std::move(outcome));
  });
}

Result<void> Ingester::ingest(MutationBatch& batch) {
  TRY(database_.ready());  // before a file is built for nothing
  const std::string path = (folder_ / fmt::format("{}.sst", files_++)).string();
  Result<void> outcome = write_file(batch, path);
  if (outcome) outcome = catalog_.check(batch);
  if (outcome) {
    rocksdb::IngestExternalFileOptions options;
    options.move_files = true;
    options.write_global_seqno =
        false;  // old RocksDB wants it in the file; it costs a write and a sync
    outcome = database_.change("adding a table file failed", [&](rocksdb::DB& db) {
      return db.IngestExternalFile({path}, options);
    });
  }
  if (!outcome) {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
  return outcome;
}

Result<void> Ingester::write_file(MutationBatch& batch, const std::string& path) {
  batch.sort();
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(options_), options_);
  rocksdb::Status status = writer.Open(path);
  const auto records = batch.records();
  std::vector<BytesView> same;
  Bytes merged;
  for (std::size_t i = 0, next = 0; i < records.size() && status.ok(); i = next) {
    const BytesView key = batch.key(records[i]);
    for (next = i + 1; next < records.size() && batch.key(records[next]) == key;) ++next;
    if (next == i + 1) {
      status = writer.Merge(slice(key), slice(batch.value(records[i])));
      continue;
    }
    same.clear();
    merged.clear();
    for (std::size_t j = i; j < next; ++j) same.push_back(batch.value(records[j]));
    TRY(merge_rows(same, merged));
    status = writer.Merge(slice(key), slice(merged));
  }
  if (status.ok()) status = writer.Finish();  // syncs
  if (!status.ok()) return fail(rocks_error(status, "writing a table file failed"));
  return {};
}

}  // namespace penstock::table
