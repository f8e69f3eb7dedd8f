// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace penstock {

// Bytes of the code point that begins `text`; 0 when none does (broken, overlong, a surrogate, or
// no text at all).
std::size_t utf8_length(std::string_view text);

bool is_utf8(std::string_view text);

// The text with U+FFFD for each byte that is not UTF-8: for people and JSON, not for data.
std::string to_utf8(std::string_view text);

}  // namespace penstock
