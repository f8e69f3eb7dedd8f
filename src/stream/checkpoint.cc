// SPDX-License-Identifier: Apache-2.0
#include "stream/checkpoint.h"

#include <fmt/format.h>

#include "client/moved_offset.h"

namespace penstock::stream {
namespace {

constexpr std::string_view kMark = "penstock:";

// Where the start is not in the topic (any more): from the first record there is, or not at all.
Result<Start> within(const client::TopicPartition& partition, Start start, client::Watermarks marks,
                     bool fail_on_data_loss) {
  const std::int64_t offset = start.position.offset;
  if (offset >= marks.low && offset <= marks.high) return start;
  const std::string what =
      offset < marks.low
          ? fmt::format("{}[{}]: records {} to {} are gone from the topic before they were read",
                        partition.topic, partition.partition, offset, marks.low - 1)
          : fmt::format(
                "{}[{}]: the topic ends at {}, before the checkpoint at {}; it was probably "
                "deleted and created anew",
                partition.topic, partition.partition, marks.high, offset);
  if (fail_on_data_loss) {
    return fail(Code::OutOfRange,
                "{}; set fail_on_data_loss: false to continue at {}, or set the group's offset "
                "(penstock group reset-offsets)",
                what, marks.low);
  }
  // A topic created anew has nothing to do with the old timestamps.
  const std::int64_t clock = offset < marks.low ? start.position.write_clock : 0;
  return Start{{marks.low, clock, start.position.batch},
               fmt::format("{}; continuing at {}", what, marks.low)};
}

}  // namespace

std::string commit_metadata(std::int64_t batch) {
  return fmt::format("{}{}", kMark, batch);
}
bool is_our_commit(std::string_view metadata) {
  return metadata.substr(0, kMark.size()) == kMark;
}

Committed Stands::group(const client::TopicPartition& partition) const {
  const auto found = committed.find(partition);
  return found == committed.end() ? Committed{} : found->second;
}
bool Stands::forgotten(const client::TopicPartition& partition) const {
  return checkpoints.contains(partition) && group(partition).offset < 0;
}

std::set<std::string> new_topics(const Stands& stands) {
  std::set<std::string> topics;
  for (const auto& [partition, now] : stands.marks) {
    if (stands.forgotten(partition) && now.high < stands.checkpoints.at(partition).offset)
      topics.insert(partition.topic);
  }
  return topics;
}

Result<Start> decide_start(const client::TopicPartition& partition,
                           const std::optional<Position>& checkpoint, const Committed& group,
                           client::Watermarks marks, const KafkaSource& source) {
  const bool has_group = group.offset >= 0;
  if (!checkpoint && !has_group) {
    return Start{{source.start == StartAt::Earliest ? marks.low : marks.high, 0, 0}, ""};
  }
  if (!checkpoint)
    return within(partition, {{group.offset, 0, 0}, ""}, marks, source.fail_on_data_loss);
  if (!has_group || group.offset == checkpoint->offset) {
    const std::string note =
        has_group ? ""
                  : fmt::format(
                        "{}[{}]: the group has no offset, the checkpoint says {}; going on "
                        "there",
                        partition.topic, partition.partition, checkpoint->offset);
    return within(partition, {*checkpoint, note}, marks, source.fail_on_data_loss);
  }
  if (is_our_commit(group.metadata)) {
    // The group lags behind by what was not committed yet. It is ahead only where the store lost a
    // checkpoint.
    Start start{*checkpoint, ""};
    if (group.offset > checkpoint->offset) {
      start = {{group.offset, checkpoint->write_clock, checkpoint->batch},
               fmt::format("{}[{}]: the group is at {}, ahead of the checkpoint at {}",
                           partition.topic, partition.partition, group.offset, checkpoint->offset)};
    }
    return within(partition, std::move(start), marks, source.fail_on_data_loss);
  }
  if (group.metadata == kAnew) {  // which has nothing to do with the old timestamps
    Start start{
        {group.offset, 0, checkpoint->batch},
        fmt::format("{}[{}]: the topic was deleted and created anew; the checkpoint at {} "
                    "was the old one's; starting at {}",
                    partition.topic, partition.partition, checkpoint->offset, group.offset)};
    return within(partition, std::move(start), marks, source.fail_on_data_loss);
  }
  if (client::moved_from(group.metadata) == checkpoint->offset) {
    // The same place in a copy of the topic; the clock goes on, so that a newer record of a key
    // wins over an older one that was written before the move.
    Start start{{group.offset, checkpoint->write_clock, checkpoint->batch},
                fmt::format("{}[{}]: the topic was moved here; {} is what was {}", partition.topic,
                            partition.partition, group.offset, checkpoint->offset)};
    return within(partition, std::move(start), marks, source.fail_on_data_loss);
  }
  // The records will be written with the timestamps they had, so that a replay changes nothing: the
  // clock starts anew.
  Start start{
      {group.offset, 0, checkpoint->batch},
      fmt::format(
          "{}[{}]: somebody set the group's offset to {} (the checkpoint is {}); starting there",
          partition.topic, partition.partition, group.offset, checkpoint->offset)};
  return within(partition, std::move(start), marks, source.fail_on_data_loss);
}

}  // namespace penstock::stream
