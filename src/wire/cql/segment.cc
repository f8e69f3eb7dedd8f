// SPDX-License-Identifier: Apache-2.0
#include "wire/cql/segment.h"

#include <lz4.h>
#include <zlib.h>

#include <algorithm>

namespace penstock::cql {
namespace {

constexpr std::uint64_t kLengthMask = kSegmentPayloadMax;
constexpr std::size_t kCrc24Bytes = 3;
constexpr std::size_t kCrc32Bytes = 4;

constexpr int length_bytes(bool lz4) {
  return lz4 ? 5 : 3;
}
constexpr std::size_t header_bytes(bool lz4) {
  return static_cast<std::size_t>(length_bytes(lz4)) + kCrc24Bytes;
}

std::uint64_t load_le(const char* from, int bytes) {
  std::uint64_t number = 0;
  for (int i = 0; i < bytes; ++i)
    number |= std::uint64_t{static_cast<unsigned char>(from[i])} << (8 * i);
  return number;
}

void append_le(Bytes& to, std::uint64_t number, int bytes) {
  for (int i = 0; i < bytes; ++i) to.push_back(static_cast<char>(number >> (8 * i)));
}

void append_segment(BytesView payload, bool self_contained, bool lz4, Bytes& to) {
  Bytes packed;
  std::uint64_t header = payload.size();
  if (lz4) {
    packed.resize(static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(payload.size()))));
    const int size =
        LZ4_compress_default(payload.data(), packed.data(), static_cast<int>(payload.size()),
                             static_cast<int>(packed.size()));
    if (size > 0 && static_cast<std::size_t>(size) < payload.size()) {
      header = static_cast<std::uint64_t>(size) | (std::uint64_t{payload.size()} << 17);
      payload = BytesView(packed).substr(0, static_cast<std::size_t>(size));
    }
  }
  header |= std::uint64_t{self_contained} << (lz4 ? 34 : 17);
  append_le(to, header, length_bytes(lz4));
  append_le(to, segment_crc24(header, length_bytes(lz4)), kCrc24Bytes);
  to.append(payload);
  append_le(to, segment_crc32(payload), kCrc32Bytes);
}

}  // namespace

std::uint32_t segment_crc24(std::uint64_t header, int bytes) {
  std::uint32_t crc = 0x875060;
  for (; bytes > 0; --bytes, header >>= 8) {
    crc ^= static_cast<std::uint32_t>(header & 0xFF) << 16;
    for (int bit = 0; bit < 8; ++bit) {
      crc <<= 1;
      if ((crc & 0x1000000) != 0) crc ^= 0x1974F0B;
    }
  }
  return crc;
}

std::uint32_t segment_crc32(BytesView payload) {
  static const auto kSeed = [] {
    const unsigned char before[] = {0xFA, 0x2D, 0x55, 0xCA};
    return ::crc32(0, before, sizeof before);
  }();
  return static_cast<std::uint32_t>(
      ::crc32_z(kSeed, reinterpret_cast<const unsigned char*>(payload.data()), payload.size()));
}

void append_segments(BytesView envelope, bool lz4, Bytes& to) {
  if (envelope.size() <= kSegmentPayloadMax) return append_segment(envelope, true, lz4, to);
  for (; !envelope.empty(); envelope.remove_prefix(std::min(envelope.size(), kSegmentPayloadMax)))
    append_segment(envelope.substr(0, kSegmentPayloadMax), false, lz4, to);
}

void SegmentPacker::add(BytesView envelope) {
  if (open_.size() + envelope.size() > kSegmentPayloadMax) seal();
  if (envelope.size() > kSegmentPayloadMax) return append_segments(envelope, lz4_, done_);
  open_ += envelope;
}

void SegmentPacker::seal() {
  if (!open_.empty()) append_segments(open_, lz4_, done_);
  open_.clear();
}

Bytes SegmentPacker::take() {
  seal();
  return std::exchange(done_, {});
}

Result<std::size_t> segment_size(BytesView head, bool lz4) {
  if (head.size() < header_bytes(lz4)) return 0;
  const std::uint64_t header = load_le(head.data(), length_bytes(lz4));
  if (load_le(head.data() + length_bytes(lz4), kCrc24Bytes) !=
      segment_crc24(header, length_bytes(lz4)))
    return fail(Code::Corrupt, "the checksum of a segment's header is wrong");
  return header_bytes(lz4) + (header & kLengthMask) + kCrc32Bytes;
}

Result<Segment> open_segment(BytesView segment, bool lz4, Bytes& scratch) {
  if (TRY(segment_size(segment, lz4)) != segment.size() || segment.empty())
    return fail(Code::Corrupt, "a segment of {} bytes is not as long as it says", segment.size());
  const std::uint64_t header = load_le(segment.data(), length_bytes(lz4));
  const BytesView payload = segment.substr(header_bytes(lz4), header & kLengthMask);
  if (load_le(segment.data() + segment.size() - kCrc32Bytes, kCrc32Bytes) != segment_crc32(payload))
    return fail(Code::Corrupt, "the checksum of a segment's payload is wrong");
  Segment opened{payload, ((header >> (lz4 ? 34 : 17)) & 1) != 0};
  const std::size_t unpacked = lz4 ? (header >> 17) & kLengthMask : 0;
  if (unpacked > 0) {
    scratch.resize(unpacked);
    const int size =
        LZ4_decompress_safe(payload.data(), scratch.data(), static_cast<int>(payload.size()),
                            static_cast<int>(unpacked));
    if (size < 0 || static_cast<std::size_t>(size) != unpacked)
      return fail(Code::Corrupt, "a segment is not valid LZ4");
    opened.payload = scratch;
  }
  return opened;
}

Result<void> SegmentReader::open(BytesView segment) {
  const Segment opened = TRY(open_segment(segment, lz4_, scratch_));
  whole_.clear();
  if (opened.self_contained) {
    if (!sliced_.empty())
      return fail(Code::Corrupt, "a segment of whole envelopes came before the last slice of one");
    rest_ = opened.payload;
    return {};
  }
  rest_ = {};
  sliced_ += opened.payload;
  if (size_ == 0) {
    size_ = TRY(envelope_size_(sliced_));
    if (size_ > bytes_max_)
      return fail(Code::TooLarge, "an envelope of {} bytes is over the limit of {}", size_,
                  bytes_max_);
    sliced_.reserve(std::min(size_, 4 * kSegmentPayloadMax));
  }
  if (size_ == 0 || sliced_.size() < size_) return {};
  if (sliced_.size() > size_)
    return fail(Code::Corrupt, "the slices of an envelope of {} bytes have {}", size_,
                sliced_.size());
  whole_ = std::exchange(sliced_, {});
  size_ = 0;
  rest_ = whole_;
  return {};
}

Result<BytesView> SegmentReader::next() {
  if (rest_.empty()) return BytesView();
  const std::size_t size = TRY(envelope_size_(rest_));
  if (size == 0 || size > rest_.size())
    return fail(Code::Corrupt, "a segment that is said to be whole ends within an envelope");
  const BytesView envelope = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return envelope;
}

}  // namespace penstock::cql
