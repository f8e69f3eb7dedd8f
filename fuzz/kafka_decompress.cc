// SPDX-License-Identifier: Apache-2.0
// The first byte picks the codec, the rest is decompressed under a limit.
#include <cstdint>

#include "base/check.h"
#include "wire/kafka/compression.h"

using namespace penstock;
using namespace penstock::kafka;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr std::size_t kBytesMax = 1 << 18;
  const auto codec = static_cast<Codec>(data[0] % 8);
  const BytesView bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  Bytes out = "kept";
  const auto done = decompress(codec, bytes, kBytesMax, out);
  CHECK(out.starts_with("kept") && out.size() <= 4 + kBytesMax + 1);
  if (!done || codec == Codec::None) return 0;
  CHECK(out.size() <= 4 + kBytesMax);
  Bytes packed, back;
  CHECK(compress(codec, BytesView(out).substr(4), packed).has_value());
  CHECK(decompress(codec, packed, kBytesMax, back).has_value() && "kept" + back == out);
  return 0;
}
