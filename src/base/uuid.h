// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock {

// A 128-bit id in network order (RFC 9562). All zeros means "none".
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  static Uuid random();                                     // version 4; any thread
  static std::optional<Uuid> parse(std::string_view text);  // 8-4-4-4-12 hex digits, either case
  std::string text() const;                                 // lower case
  bool is_zero() const { return bytes == std::array<std::uint8_t, 16>{}; }
  std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  friend auto operator<=>(const Uuid&, const Uuid&) = default;
};

}  // namespace penstock
