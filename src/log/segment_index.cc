// SPDX-License-Identifier: Apache-2.0
#include "log/segment_index.h"

#include <algorithm>
#include <utility>

namespace penstock::log {

void OffsetEntry::append_to(Bytes& out) const {
  append_be(out, last_offset);
  append_be(out, position);
}
OffsetEntry OffsetEntry::parse(const char* at) {
  return {load_be<std::int32_t>(at), load_be<std::int32_t>(at + 4)};
}
void TimeEntry::append_to(Bytes& out) const {
  append_be(out, timestamp);
  append_be(out, last_offset);
}
TimeEntry TimeEntry::parse(const char* at) {
  return {load_be<std::int64_t>(at), load_be<std::int32_t>(at + 8)};
}

template <class Entry>
Result<Entry> SegmentIndex<Entry>::at(std::size_t i) const {
  if (file_ == nullptr) return entries_[i];
  char raw[Entry::kBytes];
  const std::size_t got = TRY(file_->read(i * Entry::kBytes, raw, sizeof raw));
  if (got != sizeof raw)
    return fail(Code::Corrupt, "{} lost its end while it was read", file_->path());
  return Entry::parse(raw);
}

template <class Entry>
Result<std::optional<Entry>> SegmentIndex<Entry>::last() const {
  if (size() == 0) return std::nullopt;
  return TRY(at(size() - 1));
}

template <class Entry>
Result<std::optional<Entry>> SegmentIndex<Entry>::floor(std::int64_t key) const {
  std::size_t low = 0;  // entries below it have keys of at most `key`
  std::size_t high = size();
  std::optional<Entry> found;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    const Entry entry = TRY(at(middle));
    if (entry.key() <= key) {
      found = entry;
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return found;
}

template <class Entry>
Result<std::shared_ptr<File>> SegmentIndex<Entry>::write(Disk& disk,
                                                         const std::string& path) const {
  Bytes bytes;
  bytes.reserve(entries_.size() * Entry::kBytes);
  for (const Entry& entry : entries_) entry.append_to(bytes);
  std::shared_ptr<File> file = TRY(disk.open(path, OpenFile::Create));
  TRY(file->truncate(0));
  TRY(file->write(0, bytes));
  return file;
}

template <class Entry>
void SegmentIndex<Entry>::freeze(std::shared_ptr<File> file) {
  file_ = std::move(file);
  file_size_ = entries_.size();
  entries_ = {};
}

template <class Entry>
Result<SegmentIndex<Entry>> SegmentIndex<Entry>::open(Disk& disk, const std::string& path) {
  SegmentIndex index;
  index.file_ = TRY(disk.open(path, OpenFile::Read));
  const std::uint64_t bytes = TRY(index.file_->size());
  if (bytes % Entry::kBytes != 0)
    return fail(Code::Corrupt, "{} has {} bytes, no multiple of {}", path, bytes, Entry::kBytes);
  index.file_size_ = bytes / Entry::kBytes;
  // Kafka fills an index with zeros up to its final size until the segment is closed.
  while (index.file_size_ > 0) {
    const Entry entry = TRY(index.at(index.file_size_ - 1));
    if (entry.last_offset != 0 || entry.key() != 0 || index.file_size_ == 1) break;
    --index.file_size_;
  }
  return index;
}

template <class Entry>
Result<void> SegmentIndex<Entry>::thaw() {
  if (file_ == nullptr) return {};
  const Bytes bytes = TRY(file_->read_exactly(0, file_size_ * Entry::kBytes));
  entries_.clear();
  for (std::size_t at = 0; at < bytes.size(); at += Entry::kBytes)
    entries_.push_back(Entry::parse(bytes.data() + at));
  if (!std::is_sorted(entries_.begin(), entries_.end(),
                      [](const Entry& a, const Entry& b) { return a.key() < b.key(); })) {
    return fail(Code::Corrupt, "{} is not sorted", file_->path());
  }
  file_ = nullptr;
  return {};
}

template class SegmentIndex<OffsetEntry>;
template class SegmentIndex<TimeEntry>;

}  // namespace penstock::log
