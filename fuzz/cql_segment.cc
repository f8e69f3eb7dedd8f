// SPDX-License-Identifier: Apache-2.0
// Any bytes as segments of protocol v5, plain and packed, and what a client makes of them; as what
// segments carry, whose checksums no mutation would hit; and as an envelope that must come back.
#include <cstdlib>

#include "wire/cql/frame.h"
#include "wire/cql/segment.h"

namespace penstock::cql {
namespace {

void open_all(BytesView bytes, bool lz4) {
  SegmentReader reader(lz4, envelope_size, std::size_t{1} << 20);
  while (!bytes.empty()) {
    const auto size = segment_size(bytes, lz4);
    if (!size || *size == 0 || *size > bytes.size()) return;
    if (!reader.open(bytes.substr(0, *size))) return;
    for (auto next = reader.next(); next && !next->empty(); next = reader.next())
      if (!parse_frame(*next)) std::abort();
    bytes.remove_prefix(*size);
  }
}

// The bytes as envelopes that were sent: whole ones, then one in slices.
void open_carried(BytesView bytes, bool lz4) {
  Bytes made;
  append_segments(bytes, lz4, made);
  append_segments(Bytes(bytes).append(kSegmentPayloadMax, '\0'), lz4, made);
  open_all(made, lz4);
}

void there_and_back(BytesView envelope, bool lz4) {
  Bytes made;
  append_segments(envelope, lz4, made);
  Bytes all;
  Bytes scratch;
  for (BytesView rest = made; !rest.empty();) {
    const std::size_t size = segment_size(rest, lz4).value();
    all += open_segment(rest.substr(0, size), lz4, scratch).value().payload;
    rest.remove_prefix(size);
  }
  if (all != envelope) std::abort();
}

}  // namespace
}  // namespace penstock::cql

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const penstock::BytesView bytes(reinterpret_cast<const char*>(data), size);
  for (const bool lz4 : {false, true}) {
    penstock::cql::open_all(bytes, lz4);
    penstock::cql::open_carried(bytes, lz4);
    penstock::cql::there_and_back(bytes, lz4);
  }
  return 0;
}
