// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/disk.h"
#include "base/result.h"
#include "client/kafka_config.h"
#include "transfer/manifest.h"
#include "transfer/progress.h"

namespace penstock::transfer {

// What an export or import has done; a transfer that goes on counts what was there before, too.
struct TopicSummary {
  std::string topic;
  std::uint64_t partitions = 0;
  std::uint64_t records = 0;
  std::uint64_t file_bytes = 0;
  std::uint64_t groups = 0;     // that have an offset here
  std::uint64_t moved_now = 0;  // records, by this run
};

struct TopicExportOptions {
  std::string topic;
  std::string dir;
  bool groups = true;
};

// Copies a topic into a folder (docs/formats/export.md): its records up to the end that it had when
// the export began, its settings, and then the groups' offsets. Goes on where an earlier run was
// interrupted; a finished export is left as it is. What the manifest says is on the disk. Blocking;
// one process a folder.
Result<TopicSummary> export_topic(Disk& disk, const client::KafkaConfig& kafka,
                                  const TopicExportOptions& options, const Progress& progress);

struct TopicImportOptions {
  std::string dir;
  std::string as;  // empty: the name it had
  bool groups = true;
};

// Copies such a folder into a cluster: checks every file, makes the topic when it is missing, goes
// on after what the topic holds of the export already, reads everything back and compares, then
// carries the groups' offsets over. Nothing is written when the files or the topic are not as they
// should be. Acknowledged by all replicas when it returns. Blocking.
Result<TopicSummary> import_topic(Disk& disk, const client::KafkaConfig& kafka,
                                  const Manifest& manifest, const TopicImportOptions& options,
                                  const Progress& progress);

}  // namespace penstock::transfer
