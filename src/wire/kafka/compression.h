// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace penstock::kafka {

// The codec of a record batch: bits 0-2 of its attributes.
enum class Codec : std::int8_t { None = 0, Gzip = 1, Snappy = 2, Lz4 = 3, Zstd = 4 };

// "gzip", as in compression.type.
std::string_view name(Codec codec);

// Appends the decompressed bytes to `out`; stops with TooLarge before `out` grows by more than
// `bytes_max`. Snappy may be one raw block (librdkafka) or xerial frames (Java, Python); gzip may
// have several members. Any thread.
Result<void> decompress(Codec codec, BytesView bytes, std::size_t bytes_max, Bytes& out);

// Appends the compressed bytes: snappy in xerial frames, lz4 as a frame of independent blocks, zstd
// with its content size (kafka-python 2.0.2 cannot read more than 1 MiB without). Any thread.
Result<void> compress(Codec codec, BytesView bytes, Bytes& out);

}  // namespace penstock::kafka
