// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace penstock::cql {

// How many replicas must answer; the numbers are the wire's.
enum class Consistency : std::uint16_t {
  Any = 0,
  One = 1,
  Two = 2,
  Three = 3,
  Quorum = 4,
  All = 5,
  LocalQuorum = 6,
  EachQuorum = 7,
  Serial = 8,
  LocalSerial = 9,
  LocalOne = 10,
};
inline constexpr std::uint16_t kConsistencyMax = 10;

std::string_view name(Consistency level);                       // "LOCAL_QUORUM"
std::optional<Consistency> consistency(std::string_view name);  // any case

constexpr bool is_serial(Consistency level) {
  return level == Consistency::Serial || level == Consistency::LocalSerial;
}

}  // namespace penstock::cql
