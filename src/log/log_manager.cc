// SPDX-License-Identifier: Apache-2.0
#include "log/log_manager.h"

#include <algorithm>
#include <utility>

#include "base/logging.h"
#include "log/checkpoint.h"

namespace penstock::log {
namespace {

constexpr std::string_view kCleanMarker = ".kafka_cleanshutdown";
constexpr std::string_view kRecoveryPoints = "recovery-point-offset-checkpoint";
constexpr std::string_view kLogStarts = "log-start-offset-checkpoint";
constexpr std::string_view kTopics = "penstock-topics";
constexpr std::string_view kMeta = "meta.properties";
constexpr std::string_view kDeleteSuffix = "-delete";
constexpr std::int32_t kPartitionsMax = 10'000;

std::string partition_metadata(const Uuid& id) {
  return fmt::format("version: 0\ntopic_id: {}", uuid_base64(id));
}

// The value of "key=value" or "key: value" on a line of its own.
std::optional<std::string> property(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.starts_with(key)) continue;
    line.remove_prefix(key.size());
    if (line.empty() || (line[0] != '=' && line[0] != ':')) continue;
    line.remove_prefix(1);
    while (line.starts_with(' ')) line.remove_prefix(1);
    return std::string(line);
  }
  return std::nullopt;
}

}  // namespace

Result<void> check_topic_name(std::string_view name) {
  constexpr std::size_t kLengthMax = 249;
  if (name.empty() || name.size() > kLengthMax) {
    return fail(Code::InvalidArgument, "a topic's name has 1 to {} characters, not {}", kLengthMax,
                name.size());
  }
  if (name == "." || name == "..")
    return fail(Code::InvalidArgument, "a topic cannot be named \"{}\"", name);
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  if (!std::all_of(name.begin(), name.end(), allowed)) {
    return fail(Code::InvalidArgument,
                "topic name \"{}\" has a character other than letters, digits, '.', '_' and '-'",
                name);
  }
  return {};
}

struct LogManager::Impl {
  Impl(const Options& with, Disk& on, net::Loop& home, RunBlocking run, Metrics& metrics)
      : options(with),
        disk(on),
        loop(home),
        run_blocking(std::move(run)),
        commit(home, run_blocking, metrics),
        offline(metrics.gauge("penstock_log_offline_partitions",
                              "Partitions that are damaged or refuse writes after a failed one.")) {
  }

  std::string path(std::string_view name) const { return options.dir + "/" + std::string(name); }

  Result<void> open();
  Result<void> read_meta();
  Result<void> read_topics();
  Result<void> adopt_unknown();
  Result<void> finish_deletions();
  OffsetCheckpoint read_checkpoint(std::string_view name);
  void open_partition(const Topic& topic, std::int32_t partition,
                      const PartitionLog::Knowledge& knowledge);
  Result<void> open_new_partitions(const Topic& topic, std::int32_t first);
  Result<void> move_away(const Topic& topic);
  Result<void> write_topics() { return disk.replace(path(kTopics), registry.encode()); }
  Result<void> write_checkpoints();
  void maintain();
  void start_timer();
  void count_offline();
  Result<void> finish_close();

  Options options;
  Disk& disk;
  net::Loop& loop;
  RunBlocking run_blocking;
  GroupCommit commit;
  Metrics::Gauge offline;
  std::string cluster_id;
  TopicRegistry registry;
  std::map<TopicPartition, Result<std::shared_ptr<PartitionLog>>> logs;
  OffsetCheckpoint written_recovery_points;
  OffsetCheckpoint written_log_starts;
  net::TimerId timer = net::TimerId::None;
  bool closing = false;
  // Work posted to the loop holds it weakly: it may come after the manager has gone.
  std::shared_ptr<Impl*> self = std::make_shared<Impl*>(this);
};

Result<void> LogManager::Impl::open() {
  TRY(disk.make_dirs(options.dir));
  const bool clean = disk.exists(path(kCleanMarker));
  TRY(read_meta());
  TRY(read_topics());
  TRY(finish_deletions());
  TRY(adopt_unknown());

  written_recovery_points = read_checkpoint(kRecoveryPoints);
  written_log_starts = read_checkpoint(kLogStarts);
  const auto at = [](const OffsetCheckpoint& offsets, const TopicPartition& id) {
    const auto found = offsets.find(id);
    return found == offsets.end() ? kafka::Offset(0) : found->second;
  };
  for (const auto& [name, topic] : registry.topics) {
    for (std::int32_t i = 0; i < topic.partitions; ++i) {
      const TopicPartition id{name, kafka::PartitionId(i)};
      open_partition(topic, i,
                     {.clean_shutdown = clean,
                      .recovery_point = at(written_recovery_points, id),
                      .log_start_offset = at(written_log_starts, id)});
    }
  }
  count_offline();
  // Recovered bytes are synced, so this holds; then a crash before the first checkpoint scans
  // little.
  if (!clean) TRY(write_checkpoints());
  if (clean) TRY(disk.remove(path(kCleanMarker)));
  return disk.sync_dir(options.dir);
}

Result<void> LogManager::Impl::read_meta() {
  if (const auto text = disk.read_all(path(kMeta))) {
    const auto id = property(*text, "cluster.id");
    if (!id || id->empty()) return fail(Code::Corrupt, "{} has no cluster.id", path(kMeta));
    cluster_id = *id;
    return {};
  }
  cluster_id = uuid_base64(Uuid::random());
  return disk.replace(path(kMeta), fmt::format("version=1\nnode.id={}\ncluster.id={}\n",
                                               options.node_id, cluster_id));
}

Result<void> LogManager::Impl::read_topics() {
  if (!disk.exists(path(kTopics))) return {};
  registry = TRY_WITH(TopicRegistry::decode(TRY(disk.read_all(path(kTopics)))), path(kTopics));
  return {};
}

// Directories of partitions that the registry does not know: a data directory that Kafka wrote, or
// a registry that was lost. Data is never taken for rubbish.
Result<void> LogManager::Impl::adopt_unknown() {
  bool adopted = false;
  for (const std::string& name : TRY(disk.list(options.dir))) {
    const auto id = TopicPartition::parse(name);
    if (!id || !disk.is_dir(path(name)) || !check_topic_name(id->topic.value())) continue;
    Topic& topic = registry.topics[id->topic];
    if (topic.partitions > id->partition.value()) continue;
    if (topic.partitions == 0) {
      topic.name = id->topic;
      topic.id = Uuid::random();
      if (const auto text = disk.read_all(path(name) + "/partition.metadata")) {
        const auto written = property(*text, "topic_id");
        topic.id = written ? uuid_from_base64(*written).value_or(topic.id) : topic.id;
      }
    }
    topic.partitions = id->partition.value() + 1;
    log_warn("log", "{} was not listed in {} and is taken in", name, kTopics);
    adopted = true;
  }
  return adopted ? write_topics() : Result<void>();
}

Result<void> LogManager::Impl::finish_deletions() {
  for (const auto& [name, topic] : registry.deleting) TRY(move_away(topic));
  if (!registry.deleting.empty()) {
    registry.deleting.clear();
    TRY(write_topics());
  }
  for (const std::string& name : TRY(disk.list(options.dir))) {
    if (!name.ends_with(kDeleteSuffix) || !disk.is_dir(path(name))) continue;
    run_blocking([&on = disk, dir = path(name)] { static_cast<void>(on.remove_tree(dir)); });
  }
  return {};
}

OffsetCheckpoint LogManager::Impl::read_checkpoint(std::string_view name) {
  if (!disk.exists(path(name))) return {};
  const auto text = disk.read_all(path(name));
  auto offsets = text ? decode_offsets(*text) : Result<OffsetCheckpoint>(Failure(text.error()));
  if (offsets) return *std::move(offsets);
  log_warn("log", "{} is not usable and ignored: {}", path(name), offsets.error().message);
  return {};
}

void LogManager::Impl::open_partition(const Topic& topic, std::int32_t partition,
                                      const PartitionLog::Knowledge& knowledge) {
  const TopicPartition id{topic.name, kafka::PartitionId(partition)};
  const std::string dir = path(id.text());
  const LogConfig config = options.defaults.with(topic.configs).value_or(options.defaults);
  auto log =
      PartitionLog::open({disk, loop.clock(), commit, run_blocking}, dir, id, config, knowledge);
  if (log) {
    static_cast<void>((*log)->on_change([weak = std::weak_ptr(self), opened = log->get()] {
      const auto impl = weak.lock();
      if (impl && opened->failure()) (*impl)->count_offline();
    }));
  } else {
    log_error("log", "{} is offline: {}", id.text(), log.error().message);
  }
  const std::string metadata = dir + "/partition.metadata";
  if (log && !disk.exists(metadata)) {
    // Not synced: the registry knows the id, this copy is for Kafka's tools.
    if (auto file = disk.open(metadata, OpenFile::Create))
      static_cast<void>((*file)->write(0, partition_metadata(topic.id)));
  }
  logs.insert_or_assign(id, std::move(log));
}

Result<void> LogManager::Impl::open_new_partitions(const Topic& topic, std::int32_t first) {
  for (std::int32_t i = first; i < topic.partitions; ++i) {
    open_partition(topic, i, {});
    const auto& log = logs.at({topic.name, kafka::PartitionId(i)});
    if (!log) return fail(log.error());
  }
  return disk.sync_dir(options.dir);
}

Result<void> LogManager::Impl::move_away(const Topic& topic) {
  std::vector<std::string> doomed;
  for (std::int32_t i = 0; i < topic.partitions; ++i) {
    const std::string dir = path(TopicPartition{topic.name, kafka::PartitionId(i)}.text());
    if (!disk.exists(dir)) continue;
    doomed.push_back(fmt::format("{}.{}{}", dir, uuid_base64(Uuid::random()), kDeleteSuffix));
    TRY(disk.rename(dir, doomed.back()));
  }
  TRY(disk.sync_dir(options.dir));
  run_blocking([&on = disk, doomed = std::move(doomed)] {
    for (const std::string& dir : doomed) static_cast<void>(on.remove_tree(dir));
  });
  return {};
}

Result<void> LogManager::Impl::write_checkpoints() {
  OffsetCheckpoint recovery_points;
  OffsetCheckpoint log_starts;
  for (const auto& [id, log] : logs) {
    // An offline partition keeps what was known of it.
    recovery_points[id] = log ? (*log)->recovery_point() : written_recovery_points[id];
    log_starts[id] = log ? (*log)->log_start_offset() : written_log_starts[id];
  }
  if (recovery_points != written_recovery_points)
    TRY(disk.replace(path(kRecoveryPoints), encode_offsets(recovery_points)));
  if (log_starts != written_log_starts)
    TRY(disk.replace(path(kLogStarts), encode_offsets(log_starts)));
  written_recovery_points = std::move(recovery_points);
  written_log_starts = std::move(log_starts);
  return {};
}

void LogManager::Impl::maintain() {
  for (const auto& [id, log] : logs) {
    if (!log) continue;
    if (const auto kept = (*log)->enforce_retention(); !kept) {
      log_warn("log", "{}: retention: {}", id.text(), kept.error().message);
    }
  }
  if (const auto written = write_checkpoints(); !written) {
    log_warn("log", "the checkpoints cannot be written: {}", written.error().message);
  }
}

void LogManager::Impl::start_timer() {
  timer = loop.after(options.checkpoint_interval, [weak = std::weak_ptr(self)] {
    const auto impl = weak.lock();
    if (!impl || (*impl)->closing) return;
    (*impl)->maintain();
    (*impl)->start_timer();
  });
}

void LogManager::Impl::count_offline() {
  if (closing) return;  // then every log ends in its turn
  offline.set(static_cast<double>(std::ranges::count_if(
      logs, [](const auto& entry) { return !entry.second || (*entry.second)->failure(); })));
}

Result<void> LogManager::Impl::finish_close() {
  for (const auto& [id, log] : logs) {
    if (log) TRY_WITH((*log)->close(), id.text());
  }
  TRY(write_checkpoints());
  // A partition that is offline must be looked at again: the next start trusts nothing.
  if (std::any_of(logs.begin(), logs.end(), [](const auto& entry) { return !entry.second; }))
    return {};
  TRY(TRY(disk.open(path(kCleanMarker), OpenFile::Create))->sync());
  return disk.sync_dir(options.dir);
}

Result<std::unique_ptr<LogManager>> LogManager::open(const Options& options, Disk& disk,
                                                     net::Loop& loop, RunBlocking run_blocking,
                                                     Metrics& metrics) {
  auto impl = std::make_unique<Impl>(options, disk, loop, std::move(run_blocking), metrics);
  TRY(impl->open());
  loop.post([weak = std::weak_ptr(impl->self)] {
    if (const auto alive = weak.lock()) (*alive)->start_timer();
  });
  return std::unique_ptr<LogManager>(new LogManager(std::move(impl)));
}

LogManager::LogManager(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LogManager::~LogManager() = default;

const std::string& LogManager::cluster_id() const {
  return impl_->cluster_id;
}
std::int32_t LogManager::node_id() const {
  return impl_->options.node_id;
}

Result<Topic> LogManager::create_topic(const kafka::TopicName& name, std::int32_t partitions,
                                       const TopicConfigs& configs) {
  TRY(check_topic_name(name.value()));
  auto& topics = impl_->registry.topics;
  if (topics.contains(name)) return fail(Code::AlreadyExists, "topic {} exists already", name);
  if (partitions < 1 || partitions > kPartitionsMax) {
    return fail(Code::InvalidArgument, "topic {} cannot have {} partitions, but 1 to {}", name,
                partitions, kPartitionsMax);
  }
  TRY(impl_->options.defaults.with(configs));
  const Topic topic{name, Uuid::random(), partitions, configs};
  topics[name] = topic;
  // The registry first: a crash after it leaves partitions to be begun at the next start.
  Result<void> created = impl_->write_topics();
  if (created) created = impl_->open_new_partitions(topic, 0);
  if (!created) {
    std::erase_if(impl_->logs, [&](const auto& entry) { return entry.first.topic == name; });
    topics.erase(name);
    static_cast<void>(impl_->write_topics());
    static_cast<void>(impl_->move_away(topic));
    return fail(std::move(created).error());
  }
  return topic;
}

Result<void> LogManager::delete_topic(const kafka::TopicName& name) {
  TopicRegistry& registry = impl_->registry;
  auto found = registry.topics.extract(name);
  if (found.empty()) return fail(Code::NotFound, "topic {} does not exist", name);
  const Topic topic = found.mapped();
  registry.deleting[name] = topic;
  if (auto written = impl_->write_topics(); !written) {
    registry.deleting.erase(name);
    registry.topics[name] = topic;
    return written;
  }
  for (std::int32_t i = 0; i < topic.partitions; ++i) {
    const auto log = impl_->logs.extract({name, kafka::PartitionId(i)});
    if (!log.empty() && log.mapped())
      (*log.mapped())->abandon({Code::NotFound, fmt::format("topic {} was deleted", name)});
  }
  impl_->count_offline();
  TRY(impl_->move_away(topic));
  registry.deleting.erase(name);
  return impl_->write_topics();
}

Result<void> LogManager::set_configs(const kafka::TopicName& name, const TopicConfigs& configs) {
  const auto found = impl_->registry.topics.find(name);
  if (found == impl_->registry.topics.end())
    return fail(Code::NotFound, "topic {} does not exist", name);
  const LogConfig merged = TRY(impl_->options.defaults.with(configs));
  const TopicConfigs before = std::exchange(found->second.configs, configs);
  if (auto written = impl_->write_topics(); !written) {
    found->second.configs = before;
    return written;
  }
  for (const auto& [id, log] : impl_->logs) {
    if (id.topic == name && log) (*log)->set_config(merged);
  }
  return {};
}

Result<void> LogManager::add_partitions(const kafka::TopicName& name, std::int32_t partitions) {
  const auto found = impl_->registry.topics.find(name);
  if (found == impl_->registry.topics.end())
    return fail(Code::NotFound, "topic {} does not exist", name);
  Topic& topic = found->second;
  if (partitions <= topic.partitions || partitions > kPartitionsMax) {
    return fail(Code::InvalidArgument,
                "topic {} has {} partitions and can get more, up to {}, not {}", name,
                topic.partitions, kPartitionsMax, partitions);
  }
  const std::int32_t before = std::exchange(topic.partitions, partitions);
  Result<void> grown = impl_->write_topics();
  if (grown) grown = impl_->open_new_partitions(topic, before);
  if (!grown) {
    topic.partitions = before;
    static_cast<void>(impl_->write_topics());
    std::erase_if(impl_->logs, [&](const auto& entry) {
      return entry.first.topic == name && entry.first.partition.value() >= before;
    });
  }
  return grown;
}

const Topic* LogManager::find(const kafka::TopicName& name) const {
  const auto found = impl_->registry.topics.find(name);
  return found == impl_->registry.topics.end() ? nullptr : &found->second;
}

const Topic* LogManager::find(const Uuid& id) const {
  for (const auto& [name, topic] : impl_->registry.topics) {
    if (topic.id == id) return &topic;
  }
  return nullptr;
}

std::vector<const Topic*> LogManager::topics() const {
  std::vector<const Topic*> all;
  for (const auto& [name, topic] : impl_->registry.topics) all.push_back(&topic);
  return all;
}

Result<std::shared_ptr<PartitionLog>> LogManager::partition(const kafka::TopicName& topic,
                                                            kafka::PartitionId partition) const {
  const auto found = impl_->logs.find({topic, partition});
  if (found == impl_->logs.end())
    return fail(Code::NotFound, "{}-{} does not exist", topic, partition);
  return found->second;
}

void LogManager::for_each(const std::function<void(PartitionLog&)>& visit) const {
  for (const auto& [id, log] : impl_->logs) {
    if (log) visit(**log);
  }
}

void LogManager::maintain() {
  impl_->maintain();
}

void LogManager::close(Function<void(const Result<void>&)> done) {
  impl_->closing = true;
  impl_->loop.cancel(std::exchange(impl_->timer, net::TimerId::None));
  impl_->commit.when_idle(
      [weak = std::weak_ptr(impl_->self), done = std::move(done), this]() mutable {
        const auto self = weak.lock();
        if (!self) return;
        // Something may have been appended between the last flush and this call.
        if (!(*self)->commit.idle()) return close(std::move(done));
        done((*self)->finish_close());
      });
}

}  // namespace penstock::log
