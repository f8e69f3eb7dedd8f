// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/disk.h"
#include "log/batch_header.h"
#include "log/segment_index.h"
#include "wire/kafka/ids.h"

namespace penstock::log {

// "00000000000000000042.log": Kafka's name for a segment's files.
std::string segment_file(kafka::Offset base, std::string_view suffix);
// The base offset in such a name; nullopt when it is none.
std::optional<kafka::Offset> segment_base(std::string_view file, std::string_view suffix);

// One segment: a file of record batches back to back, and its sparse indexes by offset and by time.
// Only the last segment of a log grows; seal() ends that. Lives on its log's loop.
class Segment {
 public:
  // A new, empty one; replaces files of the same name.
  static Result<std::shared_ptr<Segment>> create(Disk& disk, const std::string& dir,
                                                 kafka::Offset base, std::int64_t now);
  // One that was closed in order: trusts its bytes and indexes. Corrupt when the indexes cannot be
  // its own.
  static Result<std::shared_ptr<Segment>> open(Disk& disk, const std::string& dir,
                                               kafka::Offset base, std::int64_t now);
  // One to be scanned: no indexes; add() tells it every batch.
  static Result<std::shared_ptr<Segment>> open_unindexed(Disk& disk, const std::string& dir,
                                                         kafka::Offset base, std::int64_t now);

  kafka::Offset base() const { return base_; }
  std::uint64_t bytes() const { return bytes_; }
  bool empty() const { return bytes_ == 0; }
  std::int64_t max_timestamp() const { return max_timestamp_; }
  std::int64_t begun_at() const {
    return begun_at_;
  }  // wall milliseconds; of the opening, for an old one
  std::uint64_t index_bytes() const { return std::max(offsets_.bytes(), times_.bytes()); }
  const std::shared_ptr<File>& file() const { return file_; }

  // Writes at the end. After a failure the file is cut back to what it was; if even that fails,
  // `broken` is set.
  Result<void> write(std::span<const BytesView> pieces, bool& broken);
  // A batch that has been written, in order: keeps size, times and indexes.
  void add(const BatchHeader& batch, std::int64_t index_interval_bytes);
  Result<void> cut(std::uint64_t bytes);

  // The header of the first batch whose last offset is at least `offset`; nullopt when there is
  // none.
  Result<std::optional<BatchHeader>> find(kafka::Offset offset) const;
  // Where to begin to look for a timestamp: no batch before it reaches `timestamp`.
  Result<std::uint64_t> position_before_time(std::int64_t timestamp) const;
  HeaderWalker walk(std::uint64_t from) const { return {*file_, from, bytes_}; }
  // Whole batches from `first` on, as long as they begin below `end` and fit; the first one always
  // if `at_least_one`.
  Result<Bytes> read(const BatchHeader& first, kafka::Offset end, std::size_t bytes_max,
                     bool at_least_one) const;
  // The offset after the last batch, from the last index entry on.
  Result<kafka::Offset> find_end() const;

  // Ends growth: writes the indexes and gives the files that must be synced. After an error it can
  // still grow.
  Result<std::vector<std::shared_ptr<File>>> seal(Disk& disk);
  Result<void> thaw();  // growth goes on after open()

 private:
  Segment(std::string dir, kafka::Offset base, std::shared_ptr<File> file, std::int64_t now)
      : dir_(std::move(dir)), base_(base), file_(std::move(file)), begun_at_(now) {}
  std::string path(std::string_view suffix) const {
    return dir_ + "/" + segment_file(base_, suffix);
  }
  std::int32_t relative(kafka::Offset offset) const {
    return static_cast<std::int32_t>(offset - base_);
  }

  // Where the last reads ended: a consumer that follows begins there, and needs no search.
  struct Hint {
    kafka::Offset offset{-1};
    std::uint64_t position = 0;
  };

  std::string dir_;
  kafka::Offset base_;
  std::shared_ptr<File> file_;
  std::int64_t begun_at_;
  std::uint64_t bytes_ = 0;
  std::int64_t max_timestamp_ = -1;
  kafka::Offset max_timestamp_offset_{-1};
  std::uint64_t bytes_since_index_ = 0;
  SegmentIndex<OffsetEntry> offsets_;
  SegmentIndex<TimeEntry> times_;
  mutable std::array<Hint, 4> hints_;
  mutable std::size_t next_hint_ = 0;
};

}  // namespace penstock::log
