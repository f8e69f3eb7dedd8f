// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "base/clock.h"
#include "base/utf8.h"
#include "client/kafka_client.h"
#include "transfer/log_file.h"
#include "transfer/topic_plan.h"
#include "transfer/topic_reader.h"
#include "transfer/topic_transfer.h"

namespace penstock::transfer {
namespace {

// So much may have to be read again after an interruption.
constexpr std::uint64_t kCheckpointBytes = 8 << 20;
constexpr Duration kCheckpointEvery = std::chrono::seconds(2);

Result<SourceTopic> look_at(const client::KafkaAdmin& admin, const std::string& name) {
  SourceTopic topic{TRY(admin.cluster()).id, name, {}};
  for (const client::PartitionInfo& partition : TRY(admin.topic(name)).partitions)
    topic.partitions.push_back(TRY(admin.watermarks({name, partition.id})));
  return topic;
}

// One run of an export: the manifest, and the files that it speaks of.
class Run {
 public:
  Run(Disk& disk, const std::string& dir, Manifest& manifest, const Progress& progress)
      : disk_(disk), dir_(dir), manifest_(manifest), progress_(progress) {}

  Result<void> open() {
    for (std::size_t i = 0; i < topic().partitions.size(); ++i) {
      const PartitionExport& partition = topic().partitions[i];
      writers_.push_back(TRY(LogWriter::open(disk_, partition_path(dir_, i), partition.file)));
      digests_.push_back(partition.records);
      records_ += partition.records.count;
      nexts_.push_back(partition.next_offset);
      total_ += static_cast<std::uint64_t>(partition.end_offset - partition.next_offset);
    }
    total_ += records_;
    return disk_.sync_dir(dir_);
  }

  Result<void> add(std::size_t partition, const Record& record) {
    TRY(writers_[partition].add(record));
    canonical(record, canonical_);
    digests_[partition].add(canonical_);
    nexts_[partition] = record.offset + 1;
    ++records_;
    ++added_;
    const auto bytes = [](const auto& part) { return part ? part->size() : 0; };
    unsaved_bytes_ += bytes(record.key) + bytes(record.value);
    return {};
  }

  Result<void> after_batch() {
    progress_.at("records exported", records_, total_);
    const TimePoint now = system_clock().now();
    if (unsaved_bytes_ < kCheckpointBytes && now - saved_at_ < kCheckpointEvery) return {};
    TRY(save());
    unsaved_bytes_ = 0;
    saved_at_ = now;
    return {};
  }

  // The files first, then the manifest that speaks of them.
  Result<void> save() {
    for (std::size_t i = 0; i < writers_.size(); ++i) {
      TRY(writers_[i].sync());
      PartitionExport& partition = topic().partitions[i];
      partition.next_offset = nexts_[i];
      partition.file = writers_[i].sum();
      partition.records = digests_[i];
    }
    return write_manifest(disk_, dir_, manifest_);
  }

  TopicExport& topic() { return std::get<TopicExport>(manifest_.of); }
  std::uint64_t added() const { return added_; }

 private:
  Disk& disk_;
  const std::string& dir_;
  Manifest& manifest_;
  const Progress& progress_;
  std::vector<LogWriter> writers_;
  std::vector<Digest> digests_;
  std::vector<std::int64_t> nexts_;
  Bytes canonical_;
  std::uint64_t records_ = 0;
  std::uint64_t added_ = 0;
  std::uint64_t total_ = 0;  // at most: offsets may have gaps
  std::uint64_t unsaved_bytes_ = 0;
  TimePoint saved_at_ = system_clock().now();
};

Result<std::vector<GroupOffset>> group_offsets(const client::KafkaAdmin& admin,
                                               const std::string& topic) {
  std::vector<GroupOffset> found;
  for (const client::GroupListing& group : TRY(admin.groups())) {
    for (const client::TopicPartitionOffset& each : TRY(admin.group_offsets(group.id))) {
      if (each.topic != topic || each.offset < 0) continue;
      found.push_back({group.id, each.partition, each.offset,
                       is_utf8(each.metadata) ? each.metadata : std::string()});
    }
  }
  return found;
}

TopicSummary summary_of(const TopicExport& topic, std::uint64_t moved_now) {
  TopicSummary summary{
      .topic = topic.name, .partitions = topic.partitions.size(), .moved_now = moved_now};
  for (const PartitionExport& partition : topic.partitions) {
    summary.records += partition.records.count;
    summary.file_bytes += partition.file.bytes;
  }
  std::set<std::string> groups;
  for (const GroupOffset& each : topic.groups) groups.insert(each.group);
  summary.groups = groups.size();
  return summary;
}

Result<Manifest> begin_or_resume(Disk& disk, const client::KafkaAdmin& admin,
                                 const TopicExportOptions& options, const Progress& progress) {
  const SourceTopic now = TRY(look_at(admin, options.topic));
  if (!has_manifest(disk, options.dir)) {
    TRY(make_export_dir(disk, options.dir));
    Manifest fresh = begin_export(now, TRY(admin.own_topic_configs(options.topic)));
    TRY(write_manifest(disk, options.dir, fresh));
    return fresh;
  }
  Manifest manifest = TRY(read_manifest(disk, options.dir));
  auto* topic = std::get_if<TopicExport>(&manifest.of);
  if (topic == nullptr) return fail(Code::Conflict, "{} holds an export of a table", options.dir);
  for (const std::string& note :
       TRY_WITH(resume_export(*topic, manifest.cluster, now), options.dir))
    progress.note(note);
  return manifest;
}

}  // namespace

Result<TopicSummary> export_topic(Disk& disk, const client::KafkaConfig& kafka,
                                  const TopicExportOptions& options, const Progress& progress) {
  const auto admin = TRY(client::KafkaAdmin::open(kafka));
  Manifest manifest = TRY(begin_or_resume(disk, *admin, options, progress));
  if (manifest.complete) {
    progress.note(options.dir + " holds the whole export already");
    return summary_of(std::get<TopicExport>(manifest.of), 0);
  }
  Run run(disk, options.dir, manifest, progress);
  TRY(run.open());
  std::vector<Stretch> stretches;
  for (const PartitionExport& each : run.topic().partitions)
    stretches.push_back({each.next_offset, each.end_offset, each.complete});
  TRY(read_topic(
      kafka, options.topic, stretches,
      [&](std::size_t partition, const Record& record) { return run.add(partition, record); },
      [&] { return run.after_batch(); }));
  TRY(run.save());
  for (PartitionExport& each : run.topic().partitions) each.complete = true;
  // After the records: whatever a group has read by now, its place is known.
  if (options.groups)
    run.topic().groups = TRY_WITH(group_offsets(*admin, options.topic),
                                  "reading the offsets of groups (--no-groups leaves them)");
  manifest.complete = true;
  TRY(write_manifest(disk, options.dir, manifest));
  return summary_of(run.topic(), run.added());
}

}  // namespace penstock::transfer
