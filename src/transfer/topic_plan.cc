// SPDX-License-Identifier: Apache-2.0
#include "transfer/topic_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "client/moved_offset.h"

namespace penstock::transfer {

Manifest begin_export(const SourceTopic& topic, std::map<std::string, std::string> configs) {
  TopicExport made;
  made.name = topic.name;
  made.configs = std::move(configs);
  for (const client::Watermarks& marks : topic.partitions) {
    made.partitions.push_back({.first_offset = marks.low,
                               .end_offset = marks.high,
                               .next_offset = marks.low,
                               .complete = marks.low == marks.high});
  }
  return {topic.cluster, false, std::move(made)};
}

Result<std::vector<std::string>> resume_export(TopicExport& was, const std::string& cluster,
                                               const SourceTopic& now) {
  if (was.name != now.name)
    return fail(Code::Conflict, "the folder holds an export of topic {}, not of {}", was.name,
                now.name);
  if (cluster != now.cluster) {
    return fail(Code::Conflict,
                "the folder holds an export from cluster {}, and this is cluster {}", cluster,
                now.cluster);
  }
  if (was.partitions.size() != now.partitions.size()) {
    return fail(Code::Conflict,
                "topic {} had {} partitions when its export began and has {} now; export into an "
                "empty folder",
                now.name, was.partitions.size(), now.partitions.size());
  }
  std::vector<std::string> notes;
  for (std::size_t i = 0; i < now.partitions.size(); ++i) {
    PartitionExport& partition = was.partitions[i];
    if (now.partitions[i].high < partition.end_offset) {
      return fail(Code::Conflict,
                  "{}[{}] ends at {}, before the end at {} when its export began: it was created "
                  "anew; export into an empty folder",
                  now.name, i, now.partitions[i].high, partition.end_offset);
    }
    const std::int64_t low = std::min(now.partitions[i].low, partition.end_offset);
    if (partition.complete || low <= partition.next_offset) continue;
    notes.push_back(
        fmt::format("{}[{}]: offsets {} to {} are gone from the topic since the export "
                    "began; going on after them",
                    now.name, i, partition.next_offset, low - 1));
    partition.next_offset = low;
    partition.complete = low == partition.end_offset;
  }
  return notes;
}

std::map<std::string, std::string> configs_of_copy(const TopicExport& topic) {
  auto configs = topic.configs;
  configs.erase("message.timestamp.type");  // the copy keeps the records' timestamps
  configs.erase("leader.replication.throttled.replicas");
  configs.erase("follower.replication.throttled.replicas");
  return configs;
}

Result<void> check_beginning(const std::string& topic, std::size_t partition, const Digest& target,
                             const Digest& beginning, std::uint64_t exported) {
  if (target.count > exported) {
    return fail(Code::Conflict,
                "{}[{}] of the target holds {} records, more than the {} of the export: somebody "
                "wrote to it; nothing was changed",
                topic, partition, target.count, exported);
  }
  if (!(target == beginning)) {
    return fail(Code::Conflict,
                "the {} records of {}[{}] of the target are not the first {} of the export; "
                "import into an empty topic (--as NAME); nothing was changed",
                target.count, topic, partition, target.count);
  }
  return {};
}

Result<void> check_copy(const std::string& topic, std::size_t partition, const Digest& target,
                        const Digest& exported) {
  if (target == exported) return {};
  if (target.count == exported.count) {
    return fail(Code::Corrupt,
                "{}[{}], read back, has other keys, values, headers or timestamps than the export "
                "(checksum {:08x}, not {:08x})",
                topic, partition, target.crc, exported.crc);
  }
  return fail(Code::Corrupt,
              "{}[{}], read back, has {} records, not {}; do others write to it, or do its "
              "retention or compaction remove old records?",
              topic, partition, target.count, exported.count);
}

OffsetMove decide_offset(std::int64_t translated, const client::TopicPartitionOffset& there) {
  if (there.offset < 0) return OffsetMove::Commit;
  if (there.offset == translated) return OffsetMove::Same;
  // An earlier import put it there, and nobody has read on since.
  return client::moved_from(there.metadata) ? OffsetMove::Commit : OffsetMove::Leave;
}

std::string metadata_of_copy(const GroupOffset& source) {
  const bool foreign = !source.metadata.empty() && !source.metadata.starts_with("penstock");
  return foreign ? source.metadata : client::moved_metadata(source.offset);
}

}  // namespace penstock::transfer
