// SPDX-License-Identifier: Apache-2.0
#include "stream/json_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace penstock::stream {
namespace {

// The length of the UTF-8 sequence that begins `text`, or 0 when there is none. Overlong forms are
// not told apart.
std::size_t sequence(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = lead < 0x80   ? 1
                             : lead < 0xc2 ? 0
                             : lead < 0xe0 ? 2
                             : lead < 0xf0 ? 3
                             : lead < 0xf5 ? 4
                                           : 0;
  if (length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 0;
  }
  return length;
}

}  // namespace

std::string json_text(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const std::size_t length = sequence(text);
    const char c = text[0];
    if (length == 0) {
      out += "\xef\xbf\xbd";
    } else if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out + "\"";
}

std::string json_offsets(const OffsetMap& map) {
  std::string out = "{";
  for (const auto& [topic, partitions] : map) {
    if (out.size() > 1) out += ",";
    out += json_text(topic) + ":{";
    bool first = true;
    for (const auto& [partition, offset] : partitions) {
      out += fmt::format("{}\"{}\":{}", first ? "" : ",", partition, offset);
      first = false;
    }
    out += "}";
  }
  return out + "}";
}

std::string json_time(WallTime time) {
  const std::int64_t millis = time.time_since_epoch().count() / 1000;
  const std::time_t seconds = millis / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     millis % 1000);
}

}  // namespace penstock::stream
