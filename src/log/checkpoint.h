// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/uuid.h"
#include "log/topic_partition.h"

// The small text files of a Kafka data directory (docs/formats/log-segment.md).
namespace penstock::log {

// A checkpoint: a line "0" (version), a line with the number of lines, then the lines.
Bytes encode_checkpoint(const std::vector<std::string>& lines);
// Its lines, cut at spaces, each of exactly `fields` fields (0: any number). The views point into
// `text`.
Result<std::vector<std::vector<std::string_view>>> decode_checkpoint(std::string_view text,
                                                                     std::size_t fields);
Result<std::int64_t> checkpoint_number(std::string_view text);

// recovery-point-offset-checkpoint and log-start-offset-checkpoint: "topic partition offset".
using OffsetCheckpoint = std::map<TopicPartition, kafka::Offset>;
Bytes encode_offsets(const OffsetCheckpoint& offsets);
Result<OffsetCheckpoint> decode_offsets(std::string_view text);

// Kafka's text of an id: 22 characters of URL-safe base64.
std::string uuid_base64(const Uuid& id);
std::optional<Uuid> uuid_from_base64(std::string_view text);

}  // namespace penstock::log
