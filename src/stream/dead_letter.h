// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stream/ports.h"

namespace penstock::stream {

// The headers of a diverted record: the original ones, then Kafka Connect's (`__connect.errors.*`,
// KIP-298, so that its tools read ours), then `penstock.reason`, `penstock.field` and
// `penstock.pipeline`.
std::vector<std::pair<std::string, std::optional<std::string>>> dead_letter_headers(
    const DeadLetter& letter, const std::string& pipeline);

}  // namespace penstock::stream
