// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/disk.h"
#include "base/result.h"

namespace penstock::log {

// Entries of `.index` and `.timeindex` (docs/formats/log-segment.md). Offsets are relative to the
// segment's base.
struct OffsetEntry {
  static constexpr std::size_t kBytes = 8;
  std::int32_t last_offset = 0;  // of the batch
  std::int32_t position = 0;     // of the batch

  std::int64_t key() const { return last_offset; }
  void append_to(Bytes& out) const;
  static OffsetEntry parse(const char* at);
};
struct TimeEntry {
  static constexpr std::size_t kBytes = 12;
  std::int64_t timestamp = -1;   // the largest so far
  std::int32_t last_offset = 0;  // of the batch that brought it

  std::int64_t key() const { return timestamp; }
  void append_to(Bytes& out) const;
  static TimeEntry parse(const char* at);
};

// A sorted list of entries: in memory while its segment grows, else in its file, where a lookup is
// a binary search by positional reads of the page cache. So a sealed segment costs no memory.
template <class Entry>
class SegmentIndex {
 public:
  std::size_t size() const { return file_ == nullptr ? entries_.size() : file_size_; }
  std::uint64_t bytes() const { return size() * Entry::kBytes; }
  void add(Entry entry) { entries_.push_back(entry); }
  Result<Entry> at(std::size_t i) const;
  Result<std::optional<Entry>> last() const;
  // The last entry whose key is at most `key`.
  Result<std::optional<Entry>> floor(std::int64_t key) const;

  // Writes the entries to `path`; the caller syncs the file.
  Result<std::shared_ptr<File>> write(Disk& disk, const std::string& path) const;
  // From now on reads them in the file that write() gave, and grows no more.
  void freeze(std::shared_ptr<File> file);
  // The index in `path`. Corrupt when its size or order cannot be.
  static Result<SegmentIndex> open(Disk& disk, const std::string& path);
  // Takes a sealed index back into memory, to grow.
  Result<void> thaw();

 private:
  std::vector<Entry> entries_;
  std::shared_ptr<File> file_;  // sealed
  std::size_t file_size_ = 0;   // entries
};

extern template class SegmentIndex<OffsetEntry>;
extern template class SegmentIndex<TimeEntry>;

}  // namespace penstock::log
