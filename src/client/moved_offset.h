// SPDX-License-Identifier: Apache-2.0
// The metadata of a committed offset that an import has carried over from another cluster
// (docs/formats/export.md): a pipeline knows by it that the place is the one where it was.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::client {

inline constexpr std::string_view kMovedMark = "penstock-moved:";

// `source_offset`: what the group had committed in the topic's old cluster.
inline std::string moved_metadata(std::int64_t source_offset) {
  return std::string(kMovedMark) + std::to_string(source_offset);
}

inline std::optional<std::int64_t> moved_from(std::string_view metadata) {
  if (!metadata.starts_with(kMovedMark)) return std::nullopt;
  metadata.remove_prefix(kMovedMark.size());
  std::int64_t offset = 0;
  const auto [end, error] =
      std::from_chars(metadata.data(), metadata.data() + metadata.size(), offset);
  if (error != std::errc() || end != metadata.data() + metadata.size()) return std::nullopt;
  return offset;
}

}  // namespace penstock::client
