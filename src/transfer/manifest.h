// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/disk.h"
#include "base/result.h"
#include "transfer/digest.h"

// `manifest.json` of an export: what it is of, and how much of it is in the folder's files. The
// format is docs/formats/export.md. Plain values; reading and writing are at the end.
namespace penstock::transfer {

struct PartitionExport {
  std::int64_t first_offset = 0;  // the source's when the export began
  std::int64_t end_offset = 0;
  std::int64_t next_offset = 0;  // where the file ends, in the source's offsets
  bool complete = false;
  FileSum file;
  Digest records;
};

// One group's committed offset of one partition.
struct GroupOffset {
  std::string group;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::string metadata;
};

struct TopicExport {
  std::string name;
  std::map<std::string, std::string> configs;  // those of the topic itself
  std::vector<PartitionExport> partitions;     // by number
  std::vector<GroupOffset> groups;
};

enum class ColumnKind { PartitionKey, Clustering, Regular };

struct Column {
  std::string name;
  std::string type;  // CQL's spelling
  ColumnKind kind = ColumnKind::Regular;
  bool descending = false;  // of a clustering column

  friend bool operator==(const Column&, const Column&) = default;
};

// The rows whose tokens lie in one stretch of the ring.
struct RangeExport {
  bool complete = false;
  FileSum file;
  std::uint64_t rows = 0;
  std::uint64_t expiring_cells = 0;  // that have a TTL
  Digest lasting;                    // of the rows without their expiring cells (table_rows.h)
};

struct TableExport {
  std::string keyspace;
  std::string name;
  std::vector<Column> columns;      // partition key, clustering, regular ones by name
  std::string keyspace_options;     // CREATE KEYSPACE name WITH ...
  std::string definition;           // CREATE TABLE name ...
  std::vector<RangeExport> ranges;  // of equal width, in the order of the ring
};

struct Manifest {
  std::string cluster;  // what the source calls itself
  bool complete = false;
  std::variant<TopicExport, TableExport> of;
};

// One JSON object with a checksum of its own. from_json: Corrupt for what to_json has not made,
// Unsupported for a newer format.
std::string to_json(const Manifest& manifest);
Result<Manifest> from_json(std::string_view text);

// DIR/manifest.json. Written at once and on the disk when it returns; sync the files that it speaks
// of before.
Result<void> write_manifest(Disk& disk, const std::string& dir, const Manifest& manifest);
Result<Manifest> read_manifest(Disk& disk, const std::string& dir);
bool has_manifest(Disk& disk, const std::string& dir);

std::string partition_path(const std::string& dir, std::size_t partition);
std::string range_path(const std::string& dir, std::size_t range);

// Makes the folder for a new export; AlreadyExists when something stands in it.
Result<void> make_export_dir(Disk& disk, const std::string& dir);

}  // namespace penstock::transfer
