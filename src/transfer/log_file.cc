// SPDX-License-Identifier: Apache-2.0
#include "transfer/log_file.h"

#include <fmt/format.h>

namespace penstock::transfer {
namespace {

// A batch is read as a whole, so it is bounded; compression pays from some thousand bytes on.
constexpr std::size_t kBatchBytes = 512 << 10;
constexpr std::int32_t kBatchRecords = 10'000;

}  // namespace

Result<std::shared_ptr<File>> open_to_append(Disk& disk, const std::string& path,
                                             const FileSum& before) {
  auto file = TRY(disk.open(path, OpenFile::Create));
  const std::uint64_t size = TRY(file->size());
  if (size < before.bytes) {
    return fail(Code::Corrupt,
                "{} has {} bytes, fewer than the {} of the manifest; export into an empty folder",
                path, size, before.bytes);
  }
  TRY(file->truncate(before.bytes));
  return file;
}

Result<LogWriter> LogWriter::open(Disk& disk, const std::string& path, FileSum before) {
  return LogWriter(TRY(open_to_append(disk, path, before)), before);
}

Result<void> LogWriter::add(const Record& record) {
  // Offsets are deltas of 32 bits inside a batch.
  if (batch_ && (batch_->size() >= kBatchBytes || batch_->record_count() >= kBatchRecords ||
                 record.offset - base_offset_ > INT32_MAX))
    TRY(end_batch());
  if (!batch_) {
    base_offset_ = record.offset;
    batch_.emplace(kafka::RecordBatchBuilder::Options{.base_offset = kafka::Offset(record.offset),
                                                      .codec = kafka::Codec::Lz4});
  }
  batch_->add_at(kafka::Offset(record.offset), record.timestamp_millis, record.key, record.value,
                 record.headers);
  return {};
}

Result<void> LogWriter::end_batch() {
  if (!batch_) return {};
  const Bytes batch = TRY(batch_->build());
  batch_.reset();
  TRY(file_->write(sum_.bytes, batch));
  sum_.add(batch);
  return {};
}

Result<void> LogWriter::sync() {
  TRY(end_batch());
  return file_->sync();
}

Result<LogReader> LogReader::open(Disk& disk, const std::string& path, FileSum sum) {
  auto file = TRY(disk.open(path, OpenFile::Read));
  const std::uint64_t size = TRY(file->size());
  if (size != sum.bytes)
    return fail(Code::Corrupt, "{} has {} bytes; the manifest says {}", path, size, sum.bytes);
  return LogReader(std::move(file), sum);
}

Failure LogReader::damaged(std::string_view why) const {
  return fail(Code::Corrupt, "{}: the record batch that ends before byte {} is damaged: {}",
              file_->path(), read_.bytes, why);
}

Result<void> LogReader::next_batch() {
  const std::uint64_t left = sum_.bytes - read_.bytes;
  if (left < kafka::kBatchHeaderBytes) {
    return fail(Code::Corrupt, "{}: {} bytes at byte {} are no record batch", file_->path(), left,
                read_.bytes);
  }
  const auto where = [&] { return fmt::format("{}: byte {}", file_->path(), read_.bytes); };
  const Bytes head = TRY(file_->read_exactly(read_.bytes, kafka::kBatchPrefixBytes));
  const std::size_t size = TRY_WITH(kafka::batch_size(head), where());
  if (size > left) {
    return fail(Code::Corrupt, "{}: a record batch of {} bytes, but the file has {} more", where(),
                size, left);
  }
  batch_ = TRY(file_->read_exactly(read_.bytes, size));
  const auto parsed = kafka::RecordBatchView::parse(batch_);
  if (!parsed) return fail(Code::Corrupt, "{}: {}", where(), parsed.error().message);
  if (!parsed->crc_matches())
    return fail(Code::Corrupt, "{}: the record batch does not match its CRC", where());
  if (parsed->control()) return fail(Code::Corrupt, "{}: a control batch", where());
  records_ = std::make_unique<kafka::RecordReader>(
      TRY_WITH(kafka::RecordReader::open(*parsed, scratch_), where()));
  read_.add(batch_);
  return {};
}

Result<bool> LogReader::next(Record& record) {
  kafka::RecordView view;
  while (records_ == nullptr || !records_->next(view)) {
    if (records_ != nullptr) {
      if (const auto whole = records_->finish(); !whole) return damaged(whole.error().message);
    }
    if (read_.bytes == sum_.bytes) {
      if (read_ == sum_) return false;
      return fail(Code::Corrupt, "{} does not match the checksum of the manifest", file_->path());
    }
    TRY(next_batch());
  }
  if (view.offset.value() <= last_offset_) return damaged("its offsets do not ascend");
  last_offset_ = view.offset.value();
  headers_.clear();
  for (const kafka::RecordHeader& header : view.headers) headers_.push_back(header);
  record = {view.offset.value(), view.timestamp, view.key, view.value, headers_};
  return true;
}

}  // namespace penstock::transfer
