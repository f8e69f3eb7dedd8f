// SPDX-License-Identifier: Apache-2.0
// Segments of protocol v5 (spec v5, section 2): after the handshake, envelopes travel inside
// checksummed pieces of at most 128 KiB. All integers are little-endian.
//   plain: u24 payload length (17 bits) | self-contained << 17, CRC24 of those 3 bytes; payload;
//   CRC32 lz4:   u40 packed length (17 bits) | unpacked length << 17 | self-contained << 34, CRC24
//   of those
//          5 bytes; payload; CRC32 of it as it travels. Unpacked length 0: the payload is not
//          packed.
// A self-contained segment holds whole envelopes; others are slices of one, in order.
#pragma once

#include <cstdint>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"

namespace penstock::cql {

inline constexpr std::size_t kSegmentPayloadMax = (std::size_t{1} << 17) - 1;

// CRC24 of the low `bytes` bytes of `header`, the lowest first; CRC32 as zlib has it, after four
// bytes of the spec's own.
std::uint32_t segment_crc24(std::uint64_t header, int bytes);
std::uint32_t segment_crc32(BytesView payload);

// Appends one envelope: self-contained if it fits, else in slices. What fits may also be several
// envelopes.
void append_segments(BytesView envelope, bool lz4, Bytes& to);

// Packs the envelopes of one direction: small ones share a segment.
class SegmentPacker {
 public:
  explicit SegmentPacker(bool lz4) : lz4_(lz4) {}

  void add(BytesView envelope);
  bool empty() const { return open_.empty() && done_.empty(); }
  // The segments of what was added since the last call.
  Bytes take();

 private:
  void seal();

  bool lz4_;
  Bytes open_;  // whole envelopes, together no longer than a segment's payload
  Bytes done_;
};

// A framing function: the bytes of the segment that begins `head`, 0 while that cannot be seen.
// Corrupt when the header's checksum is wrong: its length means nothing then.
Result<std::size_t> segment_size(BytesView head, bool lz4);

struct Segment {
  BytesView payload;  // into the segment, or into `scratch`
  bool self_contained = false;
};
// `segment` is what segment_size() cut out. Corrupt when the payload's checksum is wrong or it does
// not unpack.
Result<Segment> open_segment(BytesView segment, bool lz4, Bytes& scratch);

// Unpacks the envelopes of one direction. Holds no more than one segment and one envelope that
// comes in slices; `bytes_max` bounds the latter.
class SegmentReader {
 public:
  // How long the envelope is that begins so, as net's framing functions tell it.
  using EnvelopeSize = Result<std::size_t> (*)(BytesView head);
  SegmentReader(bool lz4, EnvelopeSize envelope_size, std::size_t bytes_max)
      : lz4_(lz4), envelope_size_(envelope_size), bytes_max_(bytes_max) {}

  // Opens what segment_size() cut out; then next() gives its envelopes, one after another, empty
  // when there are no more. They are valid until the next call of open().
  Result<void> open(BytesView segment);
  Result<BytesView> next();

 private:
  bool lz4_;
  EnvelopeSize envelope_size_;
  std::size_t bytes_max_;
  Bytes scratch_;
  Bytes sliced_;          // of an envelope that is not whole yet
  Bytes whole_;           // one that has become so
  std::size_t size_ = 0;  // of the sliced one; 0: its header is not whole either
  BytesView rest_;
};

}  // namespace penstock::cql
