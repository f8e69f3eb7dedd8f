// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "client/kafka_config.h"
#include "stream/pipeline.h"
#include "stream/ports.h"

namespace penstock::stream {

// The metadata that we commit with offsets to the group. An offset without it was set by somebody
// else: an operator's reset.
std::string commit_metadata(std::int64_t batch);
bool is_our_commit(std::string_view metadata);

// True of a partition that ends before our checkpoint and that the group has forgotten: its topic
// was deleted and created anew, so the checkpoints of its other partitions are the old one's too,
// although the new one may have grown past them.
bool shows_new_topic(const Position& checkpoint, const Committed& group, client::Watermarks marks);

// Where a newly assigned partition begins. Pure; docs/formats/checkpoint.md has the table of cases.
struct Start {
  Position position;
  std::string note;  // what a person should know; may be empty
};
// `marks` are the broker's present low and high watermarks. `topic_is_new`: this worker has seen
// the topic deleted since it last read from it, or one of its partitions shows it
// (shows_new_topic); a broker forgets the group's offsets with the topic.
Result<Start> decide_start(const client::TopicPartition& partition,
                           const std::optional<Position>& checkpoint, const Committed& group,
                           client::Watermarks marks, const KafkaSource& source,
                           bool topic_is_new = false);

}  // namespace penstock::stream
