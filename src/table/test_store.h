// SPDX-License-Identifier: Apache-2.0
// What this room's tests share: a store in a folder of its own, two tables, and short words for
// writes and reads.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "table/store.h"

namespace penstock::table {

class TempFolder {
 public:
  TempFolder()
      : path_(std::filesystem::temp_directory_path() /
              ("penstock-table-" + Uuid::random().text())) {
    std::filesystem::create_directories(path_);
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline ColumnDef column(std::string name, cql::Kind type, ColumnKind kind,
                        std::uint16_t position = 0, bool reversed = false) {
  return {.name = std::move(name),
          .type = type,
          .kind = kind,
          .position = position,
          .reversed = reversed};
}

// users (id text PRIMARY KEY, email text, name text)
inline TableDef users_def() {
  TableDef def;
  def.keyspace = "ks";
  def.name = "users";
  def.columns = {column("id", cql::Kind::Text, ColumnKind::PartitionKey),
                 column("email", cql::Kind::Text, ColumnKind::Regular),
                 column("name", cql::Kind::Text, ColumnKind::Regular)};
  return def;
}

// events (device text, day text, seq text, owner text STATIC, v text, PRIMARY KEY (device, day,
// seq)), seq DESC
inline TableDef events_def() {
  TableDef def;
  def.keyspace = "ks";
  def.name = "events";
  def.columns = {column("device", cql::Kind::Text, ColumnKind::PartitionKey),
                 column("day", cql::Kind::Text, ColumnKind::Clustering, 0),
                 column("seq", cql::Kind::Text, ColumnKind::Clustering, 1, true),
                 column("owner", cql::Kind::Text, ColumnKind::Static),
                 column("v", cql::Kind::Text, ColumnKind::Regular)};
  return def;
}

// A store with both tables, opened in its own folder; close and open again as often as a test
// likes.
class TestStore {
 public:
  explicit TestStore(StoreOptions with = {}) : options(with) {
    open();
    const auto made = store->change_schema([](CatalogEdit& edit) -> Result<void> {
      TRY(edit.create_keyspace({.name = "ks",
                                .replication = {{"class", "SimpleStrategy"}},
                                .durable_writes = true,
                                .tables = {}}));
      TRY(edit.create_table(users_def()));
      return edit.create_table(events_def());
    });
    EXPECT_TRUE(made) << made.error().message;
  }

  void open() {
    store.reset();
    auto opened = Store::open(folder.path(), options, metrics, clock);
    ASSERT_TRUE(opened) << opened.error().message;
    store = std::move(*opened);
  }

  TablePtr users() const { return store->catalog()->table("ks", "users"); }
  TablePtr events() const { return store->catalog()->table("ks", "events"); }
  std::int64_t now() const { return clock.wall_micros() / 1'000'000; }
  MutationBatch batch() const { return MutationBatch(now()); }
  void advance(std::int64_t seconds) { clock.advance(std::chrono::seconds(seconds)); }

  Result<void> apply(MutationBatch mutations) {
    return store->apply_and_wait(std::move(mutations));
  }
  void must(MutationBatch mutations) {
    const Result<void> applied = apply(std::move(mutations));
    ASSERT_TRUE(applied) << applied.error().message;
  }

  // Rows as "key|clustering...|column=value ..." with "-" for null.
  std::vector<std::string> read(ReadQuery query, std::size_t limit = SIZE_MAX,
                                Bytes* position = nullptr) {
    if (query.columns.empty()) {
      for (const ColumnDef& value : query.table->values()) query.columns.push_back(value.id);
    }
    std::vector<std::string> rows;
    const auto stats = store->read(query, [&](const RowView& row) {
      rows.push_back(text(query, row));
      if (position != nullptr) *position = row.position();
      return rows.size() == limit ? Visit::Stop : Visit::Continue;
    });
    EXPECT_TRUE(stats) << stats.error().message;
    if (stats) last = *stats;
    return rows;
  }
  std::vector<std::string> all(const TablePtr& table) { return read({.table = table}); }
  std::vector<std::string> user(std::string_view id) {
    return read({.table = users(), .partitions = std::vector<Bytes>{Bytes(id)}});
  }

  static std::string text(const ReadQuery& query, const RowView& row) {
    std::string line(row.partition.bytes);
    if (!row.has_row) line += "|static";
    const std::vector<Bytes> values = decode_clustering(*query.table, row.clustering).value();
    for (const Bytes& value : values) line += "|" + value;
    for (const CellView& cell : row.cells)
      line += cell.present ? " " + std::string(cell.value) : " -";
    return line;
  }

  TempFolder folder;
  FakeClock clock;
  Metrics metrics;
  StoreOptions options;
  std::unique_ptr<Store> store;
  ReadStats last;
};

inline Bytes clustering(const TableDef& table, std::vector<BytesView> values) {
  Bytes bytes;
  EXPECT_TRUE(append_clustering(table, values, bytes));
  return bytes;
}

// INSERT INTO users; a null pointer is null.
inline void insert_user(MutationBatch& batch, const TableDef& users, std::string_view id,
                        const char* email, const char* name, std::int64_t timestamp,
                        std::optional<std::int32_t> ttl = {}) {
  const std::vector<CellWrite> cells{{.column = users.column("email")->id,
                                      .value = email == nullptr ? "" : email,
                                      .deleted = email == nullptr},
                                     {.column = users.column("name")->id,
                                      .value = name == nullptr ? "" : name,
                                      .deleted = name == nullptr}};
  batch.write(users, PartitionKey(id), {},
              {.timestamp_micros = timestamp, .ttl_seconds = ttl, .marker = true, .cells = cells});
}

inline void insert_event(MutationBatch& batch, const TableDef& events, std::string_view device,
                         std::string_view day, std::string_view seq, std::string_view v,
                         std::int64_t timestamp) {
  const std::vector<CellWrite> cells{{.column = events.column("v")->id, .value = v}};
  batch.write(events, PartitionKey(device), clustering(events, {day, seq}),
              {.timestamp_micros = timestamp, .marker = true, .cells = cells});
}

inline void set_owner(MutationBatch& batch, const TableDef& events, std::string_view device,
                      std::string_view owner, std::int64_t timestamp) {
  const std::vector<CellWrite> cells{{.column = events.column("owner")->id, .value = owner}};
  batch.write_static(events, PartitionKey(device), {.timestamp_micros = timestamp, .cells = cells});
}

}  // namespace penstock::table
