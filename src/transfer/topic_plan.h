// SPDX-License-Identifier: Apache-2.0
// What an export or import of a topic decides, without I/O.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "client/kafka_config.h"
#include "transfer/manifest.h"

namespace penstock::transfer {

// A topic as its cluster describes it now.
struct SourceTopic {
  std::string cluster;
  std::string name;
  std::vector<client::Watermarks> partitions;
};

// The manifest of an export that has done nothing yet.
Manifest begin_export(const SourceTopic& topic, std::map<std::string, std::string> configs);

// Whether the export that `manifest` describes may go on with this topic; Conflict says why not.
// Gives sentences about records that went away meanwhile, and steps over those.
Result<std::vector<std::string>> resume_export(TopicExport& was, const std::string& cluster,
                                               const SourceTopic& now);

// Settings for the copy: those of the export without what speaks of the old cluster's machines or
// would change the records.
std::map<std::string, std::string> configs_of_copy(const TopicExport& topic);

// Whether what a partition of the target holds is the beginning of the export. `beginning` is the
// digest of as many exported records as the target has.
Result<void> check_beginning(const std::string& topic, std::size_t partition, const Digest& target,
                             const Digest& beginning, std::uint64_t exported);
// Whether a partition of the target, read back, holds the export.
Result<void> check_copy(const std::string& topic, std::size_t partition, const Digest& target,
                        const Digest& exported);

// What to do about a group's offset in the target, which may have one already.
enum class OffsetMove { Commit, Same, Leave };
OffsetMove decide_offset(std::int64_t translated, const client::TopicPartitionOffset& there);
// The metadata of the copy: the source's, except where it is ours or empty.
std::string metadata_of_copy(const GroupOffset& source);

}  // namespace penstock::transfer
