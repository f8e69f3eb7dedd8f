// SPDX-License-Identifier: Apache-2.0
#include "transfer/row_file.h"

#include <fmt/format.h>

namespace penstock::transfer {
namespace {

// A block is what one write to the target carries, and what a reader holds.
constexpr std::size_t kBlockBytes = 1 << 20;

}  // namespace

Result<RowWriter> RowWriter::open(Disk& disk, const std::string& path) {
  auto file = TRY(disk.open(path, OpenFile::Create));
  TRY(file->truncate(0));
  return RowWriter(std::move(file));
}

Result<void> RowWriter::add(const Row& row) {
  append_row(row, body_);
  if (body_.size() < kBlockBytes) return {};
  return end_block();
}

Result<void> RowWriter::end_block() {
  if (body_.empty()) return {};
  if (body_.size() > kBlockBodyBytesMax) {
    return fail(Code::TooLarge, "{}: a row of {} bytes; a block takes {}", file_->path(),
                body_.size(), kBlockBodyBytesMax);
  }
  const Bytes block = to_block(body_);
  body_.clear();
  TRY(file_->write(sum_.bytes, block));
  sum_.add(block);
  return {};
}

Result<FileSum> RowWriter::finish() {
  TRY(end_block());
  TRY(file_->sync());
  return sum_;
}

Result<RowReader> RowReader::open(Disk& disk, const std::string& path, FileSum sum) {
  auto file = TRY(disk.open(path, OpenFile::Read));
  const std::uint64_t size = TRY(file->size());
  if (size != sum.bytes)
    return fail(Code::Corrupt, "{} has {} bytes; the manifest says {}", path, size, sum.bytes);
  return RowReader(std::move(file), sum);
}

Result<bool> RowReader::next(Rows& rows) {
  if (read_.bytes == sum_.bytes) {
    if (read_ == sum_) return false;
    return fail(Code::Corrupt, "{} does not match the checksum of the manifest", file_->path());
  }
  const auto where = [&] { return fmt::format("{}: byte {}", file_->path(), read_.bytes); };
  const std::uint64_t left = sum_.bytes - read_.bytes;
  const Bytes raw =
      TRY(file_->read_exactly(read_.bytes, std::min<std::size_t>(left, kBlockHeadBytes)));
  const BlockHead head = TRY_WITH(parse_block_head(raw), where());
  if (head.body_bytes > left - kBlockHeadBytes) {
    return fail(Code::Corrupt, "{}: a block of {} bytes, but the file has {} more", where(),
                head.body_bytes, left - kBlockHeadBytes);
  }
  body_ = TRY(file_->read_exactly(read_.bytes + kBlockHeadBytes, head.body_bytes));
  TRY_WITH(parse_block(head, body_, rows), where());
  read_.add(raw);
  read_.add(body_);
  return true;
}

}  // namespace penstock::transfer
