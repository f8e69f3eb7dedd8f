// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stream/ports.h"

namespace penstock::stream {

// The headers of a diverted record: the original ones, then Kafka Connect's (`__connect.errors.*`,
// KIP-298, so that its tools read ours), then `penstock.reason`, `penstock.field` and
// `penstock.pipeline`. A letter that was too large for the topic says what it lacks in
// `penstock.left_out` ("value", or "value,key,headers") and how large that was in
// `penstock.value.bytes` and `penstock.key.bytes`; topic, partition and offset say where it still
// is.
std::vector<std::pair<std::string, std::optional<std::string>>> dead_letter_headers(
    const DeadLetter& letter, const std::string& pipeline);

std::string_view left_out(LetterBody body);  // as the header says it; empty for a whole letter

}  // namespace penstock::stream
