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

#include "base/bytes.h"
#include "base/result.h"

namespace penstock::cql {

inline constexpr std::size_t kSegmentPayloadMax = (std::size_t{1} << 17) - 1;

// CRC24 of the low `bytes` bytes of `header`, the lowest first; CRC32 as zlib has it, after four
// bytes of the spec's own.
std::uint32_t segment_crc24(std::uint64_t header, int bytes);
std::uint32_t segment_crc32(BytesView payload);

// Appends one envelope: self-contained if it fits, else in slices.
void append_segments(BytesView envelope, bool lz4, Bytes& to);

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

}  // namespace penstock::cql
