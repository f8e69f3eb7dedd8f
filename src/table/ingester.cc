// SPDX-License-Identifier: Apache-2.0
#include "table/ingester.h"

#include <rocksdb/db.h>
#include <rocksdb/sst_file_writer.h>

#include <mutex>

#include "table/row_format.h"

namespace penstock::table {
namespace {

// Half of the CPU of building a file was LZ4. The first compaction rewrites it anyhow, compressed.
rocksdb::Options uncompressed(rocksdb::Options options) {
  options.compression_per_level.clear();
  options.compression = rocksdb::kNoCompression;
  return options;
}

}  // namespace

Ingester::Ingester(Database& database, const rocksdb::Options& options,
                   const CurrentCatalog& catalog, const std::filesystem::path& folder,
                   std::size_t part_records_min, std::size_t threads, Metrics& metrics)
    : database_(database),
      options_(options),
      catalog_(catalog),
      folder_(folder),
      part_records_min_(part_records_min),
      parts_max_(threads),
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

// A batch on its way into files.
struct Ingester::Building {
  struct Part {
    std::span<MutationBatch::Record> records;
    std::string path;
    Result<void> written;
  };

  Building(MutationBatch mutations, Done when_done, std::size_t count)
      : batch(std::move(mutations)), done(std::move(when_done)), parts(count), left(count) {}

  // Cuts the batch into parts of about the same size, by key. The thread that comes first does it.
  void begin(Database& database) {
    std::call_once(begun, [&] {
      ready = database.ready();  // before files are built for nothing
      const auto pieces = batch.cut(parts.size());
      for (std::size_t i = 0; i < parts.size(); ++i) parts[i].records = pieces[i];
    });
  }

  MutationBatch batch;
  Done done;
  std::vector<Part> parts;
  std::atomic<std::size_t> left;  // parts to be written
  std::once_flag begun;
  Result<void> ready;
  const std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
};

void Ingester::add(MutationBatch batch, Done done) {
  const std::size_t count =
      std::clamp<std::size_t>(batch.size() / part_records_min_, 1, parts_max_);
  const auto building = std::make_shared<Building>(std::move(batch), std::move(done), count);
  for (std::size_t i = 0; i < count; ++i) {
    threads_.run([this, building, i] {
      building->begin(database_);
      Building::Part& part = building->parts[i];
      if (building->ready && !part.records.empty()) {
        part.path = (folder_ / fmt::format("{}.sst", files_++)).string();
        building->batch.sort(part.records);
        part.written = write_file(building->batch, part.records, part.path);
      }
      if (building->left.fetch_sub(1) == 1) finish(*building);
    });
  }
}

void Ingester::finish(Building& building) {
  Result<void> outcome = take_in(building);
  if (!outcome) {
    std::error_code ignored;
    for (const Building::Part& part : building.parts)
      if (!part.path.empty()) std::filesystem::remove(part.path, ignored);
  }
  rows_.add(static_cast<double>(building.batch.size()));
  commits_.add();
  seconds_.observe(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - building.started).count());
  building.done(std::move(outcome));
}

Result<void> Ingester::take_in(Building& building) {
  TRY(building.ready);
  std::vector<std::string> files;
  for (Building::Part& part : building.parts) {
    TRY(part.written);
    if (!part.path.empty()) files.push_back(part.path);
  }
  TRY(catalog_.check(building.batch));
  rocksdb::IngestExternalFileOptions options;
  options.move_files = true;
  options.write_global_seqno =
      false;  // old RocksDB wants it in the file; it costs a write and a sync
  return database_.change("adding a table file failed",
                          [&](rocksdb::DB& db) { return db.IngestExternalFile(files, options); });
}

Result<void> Ingester::write_file(const MutationBatch& batch,
                                  std::span<const MutationBatch::Record> records,
                                  const std::string& path) {
  const rocksdb::Options options = uncompressed(options_);
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(options), options);
  rocksdb::Status status = writer.Open(path);
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
