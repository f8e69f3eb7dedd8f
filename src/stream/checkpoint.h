// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <set>
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

// Metadata of an offset that says where a topic begins that was created anew: the checkpoint is the
// old one's.
inline constexpr std::string_view kAnew = "penstock-anew";

// What the store, the group and the broker say of partitions.
struct Stands {
  Positions checkpoints;
  std::map<client::TopicPartition, Committed> committed;
  std::map<client::TopicPartition, client::Watermarks> marks;  // present low and high watermarks

  Committed group(const client::TopicPartition& partition) const;
  // The group knows nothing of the checkpoint.
  bool forgotten(const client::TopicPartition& partition) const;
};

// Topics that were deleted and created anew, as far as their numbers tell: a broker forgets the
// group's offsets with a topic, and one such partition ends before its checkpoint. Then the
// checkpoints of all of them are the old one's, although the new one may have grown past some.
std::set<std::string> new_topics(const Stands& stands);

// Where a newly assigned partition begins. Pure; docs/formats/checkpoint.md has the table of cases.
struct Start {
  Position position;
  std::string note;  // what a person should know; may be empty
};
// `marks` are the broker's present low and high watermarks.
Result<Start> decide_start(const client::TopicPartition& partition,
                           const std::optional<Position>& checkpoint, const Committed& group,
                           client::Watermarks marks, const KafkaSource& source);

}  // namespace penstock::stream
