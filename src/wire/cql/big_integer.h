// SPDX-License-Identifier: Apache-2.0
// Integers of any size between their two spellings: two's complement bytes (varint, decimal on the
// wire) and decimal digits.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace penstock::cql {

// The conversions take quadratic time, so they are for numbers up to this many bytes (about 10,000
// digits). More is refused by validate().
inline constexpr std::size_t kIntegerBytesMax = 4096;
inline constexpr std::size_t kIntegerDigitsMax = 9800;

// "-123". `bytes` is big-endian two's complement, at most kIntegerBytesMax.
std::string integer_digits(BytesView bytes);

// Appends the shortest two's complement of [-+]digits; `digits` holds nothing but digits, at most
// kIntegerDigitsMax.
void append_integer(bool negative, std::string_view digits, Bytes& to);

// Without the leading bytes that say nothing. Empty stays empty.
BytesView shortest_integer(BytesView bytes);

}  // namespace penstock::cql
