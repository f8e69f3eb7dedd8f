// SPDX-License-Identifier: Apache-2.0
// The files of an export: what was written is read back, and nothing else is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/forgetful_disk.h"
#include "transfer/log_file.h"
#include "transfer/manifest.h"
#include "transfer/row_file.h"

namespace penstock::transfer {
namespace {

using ::testing::HasSubstr;

constexpr const char* kDir = "/export";

Manifest topic_manifest() {
  TopicExport topic;
  topic.name = "events \"ü\"";
  topic.configs = {{"retention.ms", "-1"}};
  topic.partitions = {{0, 10, 10, true, {512, 0xfedcba98}, {7, 1}}, {3, 3, 3, true, {}, {}}};
  topic.groups = {{"readers", 1, 3, "note"}};
  return {"cluster", true, topic};
}

Manifest table_manifest() {
  TableExport table;
  table.keyspace = "ks";
  table.name = "t";
  table.columns = {{"id", "text", ColumnKind::PartitionKey, false},
                   {"at", "timestamp", ColumnKind::Clustering, true},
                   {"v", "int", ColumnKind::Regular, false}};
  table.keyspace_options = "replication = {'class': 'SimpleStrategy'}";
  table.definition = "(id text PRIMARY KEY)";
  table.ranges = {{true, {12, 1}, 5, 2, {3, 9}}, {}};
  return {"cluster", false, table};
}

TEST(Manifest, ComesBackAsItWas) {
  for (const Manifest& manifest : {topic_manifest(), table_manifest()}) {
    const std::string text = to_json(manifest);
    const auto read = from_json(text);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(to_json(*read), text);
    EXPECT_EQ(read->of.index(), manifest.of.index());
  }
}

TEST(Manifest, AnyFlippedBitAndAnyMissingEndIsRefused) {
  for (const Manifest& manifest : {topic_manifest(), table_manifest()}) {
    const std::string text = to_json(manifest);
    for (std::size_t at = 0; at + 1 < text.size(); ++at) {  // the last byte is the line's end
      std::string bent = text;
      bent[at] = static_cast<char>(bent[at] ^ (1 << (at % 8)));
      EXPECT_FALSE(from_json(bent)) << "byte " << at << ": " << bent;
      EXPECT_FALSE(from_json(text.substr(0, at)));
    }
  }
}

TEST(Manifest, OfANewerFormatSaysSo) {
  std::string text = to_json(topic_manifest());
  text.replace(text.find(":1,"), 3, ":2,");
  const auto read = from_json(text);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::Unsupported);
  EXPECT_THAT(read.error().message, HasSubstr("format 2"));
}

TEST(Manifest, WithAFieldThatCannotBeIsRefusedByName) {
  Manifest manifest = topic_manifest();
  std::get<TopicExport>(manifest.of).groups[0].partition = 2;
  auto read = from_json(to_json(manifest));
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("topic.groups[0].partition"));
  manifest = table_manifest();
  std::get<TableExport>(manifest.of).ranges.resize(3);
  read = from_json(to_json(manifest));
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("table.ranges"));
}

TEST(ExportFolder, ThatHoldsSomethingElseIsNotTaken) {
  ForgetfulDisk disk;
  ASSERT_TRUE(make_export_dir(disk, kDir));
  ASSERT_TRUE(make_export_dir(disk, kDir));
  ASSERT_TRUE(disk.open("/export/letter.txt", OpenFile::Create));
  EXPECT_EQ(make_export_dir(disk, kDir).error().code, Code::AlreadyExists);
}

// ---- partition-N.log

struct Said {
  std::int64_t offset;
  std::int64_t timestamp;
  std::optional<Bytes> key;
  std::optional<Bytes> value;
  std::vector<std::pair<Bytes, std::optional<Bytes>>> headers;
  bool operator==(const Said&) const = default;
};

const std::vector<Said> kSaid{
    {5, 1000, "k", "v", {}},
    {6, 900, std::nullopt, std::nullopt, {{"h", "1"}, {"h", std::nullopt}, {"", ""}}},
    {9, -1, "", "", {}},
    {5'000'000'000, 1000, "far", Bytes(2000, 'x'), {}},
};

std::optional<BytesView> view(const std::optional<Bytes>& bytes) {
  return bytes ? std::optional<BytesView>(*bytes) : std::nullopt;
}

Result<void> add(LogWriter& writer, const Said& said) {
  std::vector<kafka::RecordHeader> headers;
  for (const auto& [name, value] : said.headers) headers.push_back({name, view(value)});
  return writer.add({said.offset, said.timestamp, view(said.key), view(said.value), headers});
}

Result<std::vector<Said>> read_log(Disk& disk, const FileSum& sum) {
  LogReader reader = TRY(LogReader::open(disk, partition_path(kDir, 0), sum));
  std::vector<Said> found;
  Record record;
  while (TRY(reader.next(record))) {
    Said& said = found.emplace_back();
    said.offset = record.offset;
    said.timestamp = record.timestamp_millis;
    if (record.key) said.key = *record.key;
    if (record.value) said.value = *record.value;
    for (const auto& header : record.headers) {
      said.headers.emplace_back(header.key,
                                header.value ? std::optional<Bytes>(*header.value) : std::nullopt);
    }
  }
  return found;
}

class LogFile : public ::testing::Test {
 protected:
  LogFile() { EXPECT_TRUE(disk_.make_dirs(kDir)); }
  LogWriter writer(FileSum before = {}) {
    return *LogWriter::open(disk_, partition_path(kDir, 0), before);
  }
  FileSum write_all() {
    LogWriter log = writer();
    for (const Said& said : kSaid) EXPECT_TRUE(add(log, said));
    EXPECT_TRUE(log.sync());
    return log.sum();
  }
  ForgetfulDisk disk_;
};

TEST_F(LogFile, GivesEveryRecordBack) {
  const auto read = read_log(disk_, write_all());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, kSaid);
}

TEST_F(LogFile, GoesOnAfterWhatTheManifestSaysAndForgetsTheRest) {
  LogWriter log = writer();
  ASSERT_TRUE(add(log, kSaid[0]));
  ASSERT_TRUE(log.sync());
  const FileSum before = log.sum();
  ASSERT_TRUE(add(log, kSaid[1]));
  ASSERT_TRUE(log.sync());  // and the manifest never heard of it
  LogWriter again = writer(before);
  for (std::size_t i = 1; i < kSaid.size(); ++i) ASSERT_TRUE(add(again, kSaid[i]));
  ASSERT_TRUE(again.sync());
  const auto read = read_log(disk_, again.sum());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, kSaid);
}

TEST_F(LogFile, ShorterThanTheManifestSaysIsNotWrittenOn) {
  FileSum sum = write_all();
  ++sum.bytes;
  EXPECT_EQ(LogWriter::open(disk_, partition_path(kDir, 0), sum).error().code, Code::Corrupt);
}

TEST_F(LogFile, AnyFlippedBitAndAnyMissingEndIsRefused) {
  const FileSum sum = write_all();
  const Bytes whole = *disk_.read_all(partition_path(kDir, 0));
  const auto file = *disk_.open(partition_path(kDir, 0), OpenFile::Write);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    const char bent = static_cast<char>(whole[at] ^ (1 << (at % 8)));
    ASSERT_TRUE(file->write(at, BytesView(&bent, 1)));
    const auto read = read_log(disk_, sum);
    ASSERT_FALSE(read) << "byte " << at;
    EXPECT_THAT(read.error().message, HasSubstr("partition-0.log"));
    ASSERT_TRUE(file->write(at, BytesView(&whole[at], 1)));
  }
  for (std::size_t size = 0; size < whole.size(); ++size) {
    ASSERT_TRUE(file->truncate(0));
    ASSERT_TRUE(file->write(0, BytesView(whole).substr(0, size)));
    EXPECT_FALSE(read_log(disk_, sum));
    // A manifest that knows of the short file does not make half a batch readable.
    FileSum shorter;
    shorter.add(BytesView(whole).substr(0, size));
    if (const auto read = read_log(disk_, shorter)) {
      EXPECT_LT(read->size(), kSaid.size());
    }
  }
}

// ---- range-N.rows

class RowFile : public ::testing::Test {
 protected:
  RowFile() { EXPECT_TRUE(disk_.make_dirs(kDir)); }

  FileSum write_all() {
    RowWriter writer = *RowWriter::open(disk_, range_path(kDir, 0));
    for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(writer.add(row(i)));
    return *writer.finish();
  }
  static Row row(std::size_t i) {
    static const std::vector<cql::CellValue> keys{"a", "1", "b", "", "c", "3"};
    static const std::vector<Cell> cells{{"value", 5, 0}, {}, {}, {}, {"", -7, 1'700'000'000}, {}};
    return {std::span(keys).subspan(2 * i, 2), std::span(cells).subspan(2 * i, 2)};
  }
  Result<std::size_t> read(const FileSum& sum) {
    RowReader reader = TRY(RowReader::open(disk_, range_path(kDir, 0), sum));
    Rows rows(2, 2);
    std::size_t count = 0;
    while (TRY(reader.next(rows))) {
      for (std::size_t i = 0; i < rows.size(); ++i, ++count) {
        EXPECT_TRUE(std::ranges::equal(rows[i].keys, row(count).keys));
        EXPECT_TRUE(std::ranges::equal(rows[i].cells, row(count).cells));
      }
    }
    return count;
  }
  ForgetfulDisk disk_;
};

TEST_F(RowFile, GivesEveryRowBack) {
  const auto rows = read(write_all());
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(*rows, 3);
}

TEST_F(RowFile, AnyFlippedBitAndAnyMissingEndIsRefused) {
  const FileSum sum = write_all();
  const Bytes whole = *disk_.read_all(range_path(kDir, 0));
  const auto file = *disk_.open(range_path(kDir, 0), OpenFile::Write);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    const char bent = static_cast<char>(whole[at] ^ (1 << (at % 8)));
    ASSERT_TRUE(file->write(at, BytesView(&bent, 1)));
    const auto rows = read(sum);
    ASSERT_FALSE(rows) << "byte " << at;
    EXPECT_THAT(rows.error().message, HasSubstr("range-00000.rows"));
    ASSERT_TRUE(file->write(at, BytesView(&whole[at], 1)));
  }
  for (std::size_t size = 1; size < whole.size(); ++size) {
    ASSERT_TRUE(file->truncate(size));
    EXPECT_FALSE(read(sum));
    FileSum shorter;
    shorter.add(BytesView(whole).substr(0, size));
    EXPECT_FALSE(read(shorter));
    ASSERT_TRUE(file->write(0, whole));
  }
}

}  // namespace
}  // namespace penstock::transfer
