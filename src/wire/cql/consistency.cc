// SPDX-License-Identifier: Apache-2.0
#include "wire/cql/consistency.h"

#include <strings.h>

#include <array>

namespace penstock::cql {
namespace {

constexpr std::array<std::string_view, kConsistencyMax + 1> kNames = {
    "ANY",          "ONE",         "TWO",    "THREE",        "QUORUM",    "ALL",
    "LOCAL_QUORUM", "EACH_QUORUM", "SERIAL", "LOCAL_SERIAL", "LOCAL_ONE",
};

}  // namespace

std::string_view name(Consistency level) {
  const auto at = static_cast<std::size_t>(level);
  return at < kNames.size() ? kNames[at] : "UNKNOWN";
}

std::optional<Consistency> consistency(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i].size() == name.size() &&
        strncasecmp(kNames[i].data(), name.data(), name.size()) == 0) {
      return static_cast<Consistency>(i);
    }
  }
  return std::nullopt;
}

}  // namespace penstock::cql
