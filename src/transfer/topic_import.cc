// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>

#include "base/clock.h"
#include "client/kafka_client.h"
#include "transfer/log_file.h"
#include "transfer/offset_translation.h"
#include "transfer/topic_plan.h"
#include "transfer/topic_reader.h"
#include "transfer/topic_transfer.h"

namespace penstock::transfer {
namespace {

using client::TopicPartitionOffset;

constexpr Duration kLeadersMax = std::chrono::seconds(30);
constexpr Duration kCoordinatorMax = std::chrono::seconds(30);

// A cluster that has just begun to keep groups moves their coordinator about, and tells it only to
// those who ask; a client that is told so waits for the next coordinator by itself.
template <class F>
auto until_settled(F&& ask) {
  const TimePoint until = system_clock().now() + kCoordinatorMax;
  for (;;) {
    auto answer = ask();
    const bool again = !answer && (answer.error().code == Code::Unavailable ||
                                   answer.error().code == Code::Timeout);
    if (!again || system_clock().now() > until) return answer;
  }
}

// What a partition of the target holds.
struct Held {
  Digest records;
  std::int64_t end = 0;  // the offset after the last record
};

// The first failure of records on their way, told on librdkafka's thread.
class Deliveries {
 public:
  void told(const Result<client::Delivery>& outcome) {
    if (outcome) return;
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = outcome.error();
  }
  Result<void> state() const {
    const std::lock_guard lock(mutex_);
    if (failure_) return fail(*failure_);
    return {};
  }

 private:
  mutable std::mutex mutex_;
  std::optional<Error> failure_;
};

// One run of an import, step by step as import_topic() has them.
class Import {
 public:
  Import(Disk& disk, const client::KafkaConfig& kafka, const client::KafkaAdmin& admin,
         const Manifest& manifest, const TopicImportOptions& options, const Progress& progress)
      : disk_(disk),
        kafka_(kafka),
        admin_(admin),
        from_(std::get<TopicExport>(manifest.of)),
        name_(options.as.empty() ? from_.name : options.as),
        options_(options),
        progress_(progress) {
    std::vector<std::vector<std::int64_t>> wanted(from_.partitions.size());
    for (const GroupOffset& each : from_.groups)
      wanted[static_cast<std::size_t>(each.partition)].push_back(each.offset);
    for (auto& offsets : wanted) places_.emplace_back(std::move(offsets));
    for (const PartitionExport& each : from_.partitions) total_ += each.records.count;
  }

  // Whether the target is there, with as many partitions.
  Result<bool> look_at_target();
  Result<void> check_files(const std::vector<Held>& target);
  Result<void> create_target();
  Result<std::vector<Held>> read_target(std::string_view doing, bool translate);
  Result<std::uint64_t> produce_rest(const std::vector<Held>& target);
  Result<void> verify(const std::vector<Held>& target);
  Result<std::uint64_t> carry_offsets();

  std::size_t partitions() const { return from_.partitions.size(); }
  std::uint64_t records() const { return total_; }
  const std::string& name() const { return name_; }

 private:
  Result<LogReader> open_file(std::size_t partition) const {
    return LogReader::open(disk_, partition_path(options_.dir, partition),
                           from_.partitions[partition].file);
  }

  Disk& disk_;
  const client::KafkaConfig& kafka_;
  const client::KafkaAdmin& admin_;
  const TopicExport& from_;
  std::string name_;
  const TopicImportOptions& options_;
  const Progress& progress_;
  std::vector<OffsetTranslation> places_;
  std::uint64_t total_ = 0;
};

Result<bool> Import::look_at_target() {
  const auto found = admin_.topic(name_);
  if (!found && found.error().code == Code::NotFound) return false;
  if (!found) return fail(found.error());
  if (found->partitions.size() != partitions()) {
    return fail(
        Code::Conflict,
        "topic {} of the target has {} partitions and the export has {}: keys would come to "
        "stand elsewhere; import into another topic (--as NAME)",
        name_, found->partitions.size(), partitions());
  }
  const auto configs = TRY(admin_.topic_configs(name_));
  const auto stamp = configs.find("message.timestamp.type");
  if (stamp != configs.end() && stamp->second == "LogAppendTime") {
    return fail(Code::Conflict,
                "topic {} of the target stamps records itself (message.timestamp.type is "
                "LogAppendTime), so they would lose their timestamps; set it to CreateTime",
                name_);
  }
  return true;
}

// Reads every file to its end before anything is written: a damaged export changes nothing.
Result<void> Import::check_files(const std::vector<Held>& target) {
  std::uint64_t checked = 0;
  Bytes bytes;
  for (std::size_t i = 0; i < partitions(); ++i) {
    LogReader file = TRY(open_file(i));
    const std::uint64_t held = target.empty() ? 0 : target[i].records.count;
    Digest digest;
    Digest beginning;
    Record record;
    while (TRY(file.next(record))) {
      if (record.timestamp_millis == 0) {
        return fail(Code::Unsupported,
                    "{}: the record at offset {} has timestamp 0, which producers take for none",
                    partition_path(options_.dir, i), record.offset);
      }
      canonical(record, bytes);
      digest.add(bytes);
      if (digest.count == held) beginning = digest;
      places_[i].source(record.offset);
      if (++checked % 1024 == 0) progress_.at("records checked", checked, total_);
    }
    places_[i].source_end();
    if (!(digest == from_.partitions[i].records)) {
      return fail(Code::Corrupt,
                  "{} holds {} records with checksum {:08x}; the manifest says {}, {:08x}",
                  partition_path(options_.dir, i), digest.count, digest.crc,
                  from_.partitions[i].records.count, from_.partitions[i].records.crc);
    }
    if (target.empty()) continue;
    TRY(check_beginning(name_, i, target[i].records, beginning, digest.count));
  }
  return {};
}

Result<void> Import::create_target() {
  TRY(admin_.create_topic({.name = name_,
                           .partitions = static_cast<std::int32_t>(partitions()),
                           .configs = configs_of_copy(from_)}));
  // A cluster has made a topic before all its brokers know the leaders, and tells nobody when they
  // do. Each question is a round trip.
  const TimePoint until = system_clock().now() + kLeadersMax;
  for (;;) {
    const auto topic = admin_.topic(name_);
    if (!topic && topic.error().code != Code::NotFound) return fail(topic.error());
    if (topic && topic->partitions.size() == partitions() &&
        std::ranges::all_of(topic->partitions, [](const auto& each) { return each.leader >= 0; }))
      return {};
    if (system_clock().now() > until)
      return fail(Code::Unavailable, "topic {} was created, but has no leaders yet", name_);
  }
}

Result<std::vector<Held>> Import::read_target(std::string_view doing, bool translate) {
  // A client remembers for a while that a topic was not there, so this one is new.
  const auto admin = TRY(client::KafkaAdmin::open(kafka_));
  std::vector<Held> held(partitions());
  std::vector<Stretch> stretches;
  std::uint64_t most = 0;
  for (std::size_t i = 0; i < partitions(); ++i) {
    const auto marks = TRY(admin->watermarks({name_, static_cast<std::int32_t>(i)}));
    stretches.push_back({marks.low, marks.high});
    most += static_cast<std::uint64_t>(marks.high - marks.low);
    held[i].end = marks.high;
  }
  std::uint64_t count = 0;
  Bytes bytes;
  TRY(read_topic(
      kafka_, name_, stretches,
      [&](std::size_t partition, const Record& record) -> Result<void> {
        canonical(record, bytes);
        held[partition].records.add(bytes);
        if (translate) places_[partition].target(record.offset);
        ++count;
        return {};
      },
      [&]() -> Result<void> {
        progress_.at(doing, count, most);
        return {};
      }));
  for (std::size_t i = 0; translate && i < partitions(); ++i) places_[i].target_end(held[i].end);
  return held;
}

Result<std::uint64_t> Import::produce_rest(const std::vector<Held>& target) {
  // As large as a record may be in any topic; the topic's own limit is the broker's to check.
  client::KafkaConfig kafka = kafka_;
  kafka.properties.try_emplace("message.max.bytes", "1000000000");
  const auto producer = TRY(client::KafkaProducer::open({.kafka = kafka, .compression = "lz4"}));
  const auto deliveries = std::make_shared<Deliveries>();
  std::uint64_t produced = 0;
  std::uint64_t before = 0;
  for (const Held& each : target) before += each.records.count;
  const auto report = [&] {
    const std::uint64_t on_the_way = std::min<std::uint64_t>(producer->queued(), produced);
    progress_.at("records imported", before + produced - on_the_way, total_);
  };
  for (std::size_t i = 0; i < partitions(); ++i) {
    LogReader file = TRY(open_file(i));
    std::uint64_t skip = target.empty() ? 0 : target[i].records.count;
    Record record;
    client::ProducerRecord out{.topic = name_, .partition = static_cast<std::int32_t>(i)};
    while (TRY(file.next(record))) {
      if (skip > 0) {
        --skip;
        continue;
      }
      out.key = record.key;
      out.value = record.value;
      out.timestamp_millis = record.timestamp_millis;
      out.headers.clear();
      for (const kafka::RecordHeader& header : record.headers)
        out.headers.emplace_back(header.key, header.value);
      TRY(producer->produce(
          out, [deliveries](Result<client::Delivery> outcome) { deliveries->told(outcome); }));
      if (++produced % 1024 != 0) continue;
      TRY(deliveries->state());
      report();
    }
  }
  while (producer->queued() > 0) {
    // Its time-outs are ours; librdkafka gives a record up by itself after five minutes.
    static_cast<void>(producer->flush(std::chrono::seconds(1)));
    TRY(deliveries->state());
    report();
  }
  TRY(deliveries->state());
  return produced;
}

Result<void> Import::verify(const std::vector<Held>& target) {
  for (std::size_t i = 0; i < partitions(); ++i)
    TRY(check_copy(name_, i, target[i].records, from_.partitions[i].records));
  return {};
}

Result<std::uint64_t> Import::carry_offsets() {
  std::map<std::string, std::vector<const GroupOffset*>> groups;
  for (const GroupOffset& each : from_.groups) groups[each.group].push_back(&each);
  for (const auto& [group, offsets] : groups) {
    const std::string what = "group " + group;
    const auto consumer = TRY(client::KafkaConsumer::open({.kafka = kafka_, .group = group}));
    std::vector<client::TopicPartition> names;
    for (const GroupOffset* each : offsets) names.push_back({name_, each->partition});
    const auto there = TRY_WITH(
        until_settled([&] { return consumer->committed(names, std::chrono::seconds(20)); }), what);
    std::vector<TopicPartitionOffset> commit;
    for (const GroupOffset* each : offsets) {
      const std::int64_t offset =
          places_[static_cast<std::size_t>(each->partition)].translate(each->offset);
      const auto found =
          std::ranges::find(there, each->partition, &TopicPartitionOffset::partition);
      const OffsetMove move =
          decide_offset(offset, found == there.end() ? TopicPartitionOffset{} : *found);
      if (move == OffsetMove::Commit) {
        commit.push_back({name_, each->partition, offset, metadata_of_copy(*each)});
      } else if (move == OffsetMove::Leave) {
        progress_.note(
            fmt::format("group {} stays at {} of {}[{}], where it has read to; the "
                        "export says {}",
                        group, found->offset, name_, each->partition, offset));
      }
    }
    TRY_WITH(until_settled([&] { return consumer->commit(commit); }),
             what +
                 " (is a member of it running on the target? stop it, or leave the offsets with "
                 "--no-groups)");
  }
  return groups.size();
}

}  // namespace

Result<TopicSummary> import_topic(Disk& disk, const client::KafkaConfig& kafka,
                                  const Manifest& manifest, const TopicImportOptions& options,
                                  const Progress& progress) {
  if (!manifest.complete) {
    return fail(Code::InvalidArgument,
                "the export in {} is not finished; run penstock export again to go on",
                options.dir);
  }
  const auto admin = TRY(client::KafkaAdmin::open(kafka));
  Import import(disk, kafka, *admin, manifest, options, progress);
  const bool exists = TRY(import.look_at_target());
  std::vector<Held> target;
  if (exists) target = TRY(import.read_target("records of the target read", false));
  TRY(import.check_files(target));
  if (!exists) TRY(import.create_target());
  TopicSummary summary{
      .topic = import.name(), .partitions = import.partitions(), .records = import.records()};
  summary.moved_now = TRY(import.produce_rest(target));
  TRY(import.verify(TRY(import.read_target("records verified", true))));
  if (options.groups) summary.groups = TRY(import.carry_offsets());
  for (const PartitionExport& each : std::get<TopicExport>(manifest.of).partitions)
    summary.file_bytes += each.file.bytes;
  return summary;
}

}  // namespace penstock::transfer
