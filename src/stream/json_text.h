// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "stream/progress.h"

namespace penstock::stream {

// Small pieces of JSON for progress and status.
std::string json_text(std::string_view text);    // quoted; bytes that are not UTF-8 become U+FFFD
std::string json_offsets(const OffsetMap& map);  // {"topic":{"0":12}}
std::string json_time(WallTime time);            // 2023-10-01T12:00:00.000Z, without quotes

}  // namespace penstock::stream
