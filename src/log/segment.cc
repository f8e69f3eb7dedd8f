// SPDX-License-Identifier: Apache-2.0
#include "log/segment.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/check.h"

namespace penstock::log {

std::string segment_file(kafka::Offset base, std::string_view suffix) {
  return fmt::format("{:020}{}", base.value(), suffix);
}

std::optional<kafka::Offset> segment_base(std::string_view file, std::string_view suffix) {
  constexpr std::size_t kDigits = 20;
  if (file.size() != kDigits + suffix.size() || file.substr(kDigits) != suffix) return std::nullopt;
  std::int64_t base = 0;
  const auto [end, error] = std::from_chars(file.data(), file.data() + kDigits, base);
  if (error != std::errc() || end != file.data() + kDigits || base < 0) return std::nullopt;
  return kafka::Offset(base);
}

Result<std::shared_ptr<Segment>> Segment::create(Disk& disk, const std::string& dir,
                                                 kafka::Offset base, std::int64_t now) {
  std::shared_ptr<Segment> segment = TRY(open_unindexed(disk, dir, base, now));
  TRY(segment->file_->truncate(0));
  segment->bytes_ = 0;
  return segment;
}

Result<std::shared_ptr<Segment>> Segment::open_unindexed(Disk& disk, const std::string& dir,
                                                         kafka::Offset base, std::int64_t now) {
  std::shared_ptr<File> file =
      TRY(disk.open(dir + "/" + segment_file(base, ".log"), OpenFile::Create));
  return std::shared_ptr<Segment>(new Segment(dir, base, std::move(file), now));
}

Result<std::shared_ptr<Segment>> Segment::open(Disk& disk, const std::string& dir,
                                               kafka::Offset base, std::int64_t now) {
  std::shared_ptr<Segment> segment = TRY(open_unindexed(disk, dir, base, now));
  segment->bytes_ = TRY(segment->file_->size());
  if (segment->empty()) return segment;
  segment->offsets_ = TRY(SegmentIndex<OffsetEntry>::open(disk, segment->path(".index")));
  segment->times_ = TRY(SegmentIndex<TimeEntry>::open(disk, segment->path(".timeindex")));
  if (const auto last = TRY(segment->offsets_.last())) {
    if (last->position < 0 || static_cast<std::uint64_t>(last->position) >= segment->bytes_ ||
        last->last_offset < 0) {
      return fail(Code::Corrupt, "{} points behind its segment", segment->path(".index"));
    }
  }
  // Sealing always writes the largest timestamp, so an index without entries is not ours or was
  // lost.
  const auto last = TRY(segment->times_.last());
  if (!last) return fail(Code::Corrupt, "{} is empty", segment->path(".timeindex"));
  segment->max_timestamp_ = last->timestamp;
  segment->max_timestamp_offset_ = base + last->last_offset;
  return segment;
}

Result<void> Segment::write(std::span<const BytesView> pieces, bool& broken) {
  Result<void> written = file_->write(bytes_, pieces);
  if (written) return {};
  const Result<void> back = file_->truncate(bytes_);
  broken = !back;
  return written;
}

void Segment::add(const BatchHeader& batch, std::int64_t index_interval_bytes) {
  CHECK(batch.position == bytes_, "batches are added in order");
  if (batch.max_timestamp > max_timestamp_ || max_timestamp_offset_ < base_) {
    max_timestamp_ = batch.max_timestamp;
    max_timestamp_offset_ = batch.last_offset;
  }
  if (bytes_since_index_ > static_cast<std::uint64_t>(index_interval_bytes)) {
    offsets_.add({relative(batch.last_offset), static_cast<std::int32_t>(batch.position)});
    const auto last = take(times_.last());
    if (!last || max_timestamp_ > last->timestamp)
      times_.add({max_timestamp_, relative(max_timestamp_offset_)});
    bytes_since_index_ = 0;
  }
  bytes_since_index_ += batch.bytes;
  bytes_ += batch.bytes;
}

Result<void> Segment::cut(std::uint64_t bytes) {
  bytes_ = bytes;
  return file_->truncate(bytes);
}

Result<std::optional<BatchHeader>> Segment::find(kafka::Offset offset) const {
  std::uint64_t from = 0;
  const auto hint =
      std::find_if(hints_.begin(), hints_.end(), [&](const Hint& h) { return h.offset == offset; });
  if (hint != hints_.end()) {
    from = hint->position;
  } else if (const auto entry = TRY(offsets_.floor(offset - base_))) {
    from = static_cast<std::uint64_t>(entry->position);
  }
  HeaderWalker walker = walk(from);
  while (auto header = TRY(walker.next())) {
    if (header->last_offset >= offset) return header;
  }
  return std::nullopt;
}

Result<std::uint64_t> Segment::position_before_time(std::int64_t timestamp) const {
  // The entry whose timestamp is below: every batch up to its offset stays below too.
  const auto time = TRY(times_.floor(timestamp - 1));
  if (!time) return 0;
  const auto entry = TRY(offsets_.floor(time->last_offset));
  return entry ? static_cast<std::uint64_t>(entry->position) : 0;
}

Result<Bytes> Segment::read(const BatchHeader& first, kafka::Offset end, std::size_t bytes_max,
                            bool at_least_one) const {
  const std::uint64_t there = bytes_ - first.position;
  const std::uint64_t wanted =
      at_least_one ? std::max<std::uint64_t>(bytes_max, first.bytes) : bytes_max;
  Bytes bytes = TRY(file_->read_exactly(first.position, std::min(wanted, there)));
  std::size_t whole = 0;
  kafka::Offset next = first.base_offset;
  while (bytes.size() - whole >= kafka::kBatchHeaderBytes) {
    const BatchHeader header = TRY_WITH(
        BatchHeader::parse(BytesView(bytes).substr(whole), first.position + whole), file_->path());
    if (header.base_offset >= end || header.bytes > bytes.size() - whole) break;
    whole += header.bytes;
    next = header.last_offset + 1;
  }
  bytes.resize(whole);
  hints_[next_hint_++ % hints_.size()] = {next, first.position + whole};
  return bytes;
}

Result<kafka::Offset> Segment::find_end() const {
  const auto entry = TRY(offsets_.last());
  HeaderWalker walker = walk(entry ? static_cast<std::uint64_t>(entry->position) : 0);
  kafka::Offset end = base_;
  while (const auto header = TRY(walker.next())) end = header->last_offset + 1;
  return end;
}

Result<std::vector<std::shared_ptr<File>>> Segment::seal(Disk& disk) {
  // The largest timestamp stands last, where open() and retention find it.
  const auto last = TRY(times_.last());
  if (!empty() && (!last || max_timestamp_ > last->timestamp))
    times_.add({max_timestamp_, relative(max_timestamp_offset_)});
  std::shared_ptr<File> offsets = TRY(offsets_.write(disk, path(".index")));
  std::shared_ptr<File> times = TRY(times_.write(disk, path(".timeindex")));
  offsets_.freeze(offsets);
  times_.freeze(times);
  return std::vector{file_, std::move(offsets), std::move(times)};
}

Result<void> Segment::thaw() {
  TRY(offsets_.thaw());
  return times_.thaw();
}

}  // namespace penstock::log
