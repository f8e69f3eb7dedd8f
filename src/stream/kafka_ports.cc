// SPDX-License-Identifier: Apache-2.0
#include "stream/kafka_ports.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <limits>
#include <mutex>
#include <set>

#include "base/logging.h"
#include "client/kafka_client.h"
#include "stream/dead_letter.h"

namespace penstock::stream {
namespace {

constexpr Duration kAskTimeout = std::chrono::seconds(10);
constexpr Duration kCreateTimeout = std::chrono::seconds(2);  // it is tried again
constexpr Duration kSeekTimeout = std::chrono::seconds(1);
constexpr std::int64_t kRoomForHeaders = 64 << 10;  // our headers, and what a batch adds

// librdkafka's names of what decides how a broker is reached, whatever is then asked of it.
bool of_connection(std::string_view property) {
  constexpr std::string_view kBeginnings[] = {
      "security.", "sasl.", "ssl.", "enable.ssl.", "socket.", "enable.sasl.", "broker.address."};
  return std::ranges::any_of(kBeginnings,
                             [&](std::string_view each) { return property.starts_with(each); });
}

class KafkaFetched final : public Fetched {
 public:
  explicit KafkaFetched(client::KafkaBatch batch) : batch_(std::move(batch)) {}
  const std::vector<client::KafkaRecord>& records() const override { return batch_.records(); }
  std::vector<client::KafkaHeader> headers(std::size_t record) const override {
    return batch_.headers(record);
  }
  const std::vector<client::TopicPartitionOffset>& ends() const override { return batch_.ends(); }

 private:
  client::KafkaBatch batch_;
};

class KafkaSourcePort final : public Source {
 public:
  KafkaSourcePort(const PipelineSpec& spec, const ConnectionSettings& settings)
      : topics_(spec.source.topics) {
    config_.kafka = source_cluster(spec, settings);
    config_.group = spec.source.group;
    config_.group_instance =
        spec.source.group_instance.empty() ? settings.group_instance : spec.source.group_instance;
    config_.start = "error";  // the engine decides, with the checkpoint and the present range
    auto& properties = config_.kafka.properties;
    // What librdkafka reads ahead counts too: an eighth of the pipeline's memory.
    properties.emplace("queued.max.messages.kbytes",
                       std::to_string(std::max<std::size_t>(spec.memory_bytes / 8 / 1024, 1024)));
    properties.emplace("queued.min.messages", "1000000");
    properties.emplace("fetch.error.backoff.ms", "50");
    for (const auto& [name, value] : spec.source.properties) properties[name] = value;
    properties.erase("auto.offset.reset");  // it would pass over records in silence
  }

  Result<void> open(AssignmentListener& listener) override {
    TRY(find_topics());
    auto opened = TRY(client::KafkaConsumer::open(config_));
    {
      const std::lock_guard lock(mutex_);
      consumer_ = std::move(opened);
    }
    return consumer_->subscribe(topics_, [this, &listener](client::Rebalance& rebalance) {
      on_rebalance(rebalance, listener);
    });
  }

  Result<std::shared_ptr<const Fetched>> poll(std::size_t records_max, std::size_t bytes_max,
                                              Duration wait) override {
    auto batch = TRY(consumer_->poll({records_max, bytes_max, wait}));
    if (!to_hold_.empty()) {  // assigned in this poll; before, there was nothing to pause
      static_cast<void>(consumer_->pause(std::exchange(to_hold_, {})));
    }
    return std::make_shared<const KafkaFetched>(std::move(batch));
  }
  void wake() override {
    const std::lock_guard lock(mutex_);  // close() may come from the engine's thread meanwhile
    if (consumer_) consumer_->wake();
  }
  void pause_all() override { static_cast<void>(consumer_->pause(consumer_->assignment())); }
  void resume_all() override {
    auto partitions = consumer_->assignment();
    std::erase_if(partitions, [this](const auto& each) { return held_.contains(each); });
    static_cast<void>(consumer_->resume(partitions));
  }
  void hold(const client::TopicPartition& partition) override {
    held_.insert(partition);
    static_cast<void>(consumer_->pause({partition}));
  }
  Result<void> begin(const client::TopicPartitionOffset& from) override {
    const client::TopicPartition partition = from.topic_partition();
    // In this order: resuming puts the consumer back to where it was paused.
    TRY(consumer_->resume({partition}));
    TRY(consumer_->seek(from, kSeekTimeout));
    held_.erase(partition);
    return {};
  }

  Result<std::map<client::TopicPartition, Committed>> committed(
      const std::vector<client::TopicPartition>& partitions) override {
    std::map<client::TopicPartition, Committed> out;
    for (auto& found : TRY(consumer_->committed(partitions, kAskTimeout))) {
      out[found.topic_partition()] = {found.offset, found.metadata};
    }
    return out;
  }
  Result<client::Watermarks> watermarks(const client::TopicPartition& partition,
                                        Duration timeout) override {
    return consumer_->watermarks(partition, timeout);
  }
  std::optional<std::int64_t> last_end(const client::TopicPartition& partition) override {
    const auto marks = consumer_->last_watermarks(partition);
    if (!marks) return std::nullopt;
    return marks->high;
  }
  Result<void> commit(const std::vector<client::TopicPartitionOffset>& offsets) override {
    if (!consumer_) return fail(Code::Closed, "the consumer is closed");
    return consumer_->commit(offsets);
  }
  void commit_soon(const std::vector<client::TopicPartitionOffset>& offsets,
                   Function<void(Result<void>)> done) override {
    if (!consumer_) return done(fail(Code::Closed, "the consumer is closed"));
    consumer_->commit_async(offsets, std::move(done));
  }
  std::optional<Error> trouble() override {
    return consumer_ ? consumer_->trouble() : std::nullopt;
  }
  void close() override {
    if (!consumer_) return;
    consumer_->close();
    held_.clear();
    to_hold_.clear();
    const std::lock_guard lock(mutex_);
    consumer_.reset();
  }

 private:
  // A pipeline may start before its first producer. librdkafka's consumer does not ask the broker
  // to make a topic when it subscribes, so the pipeline does, with the broker's own defaults. But
  // only at first: who deletes a topic later wants to make it himself, or to have none.
  Result<void> find_topics() {
    const auto admin = TRY(client::KafkaAdmin::open(config_.kafka, kAskTimeout));
    for (const std::string& topic : topics_) {
      const auto found = admin->topic(topic);
      if (found || found.error().code != Code::NotFound) {  // the consumer will say why
        if (found) seen_.insert(topic);
        continue;
      }
      if (seen_.contains(topic)) {
        return fail(Code::NotFound,
                    "topic {} has been deleted; the pipeline goes on when it is there again",
                    topic);
      }
      const auto created = admin->create_topic({.name = topic, .configs = {}});
      if (created) {
        log_info("stream", "topic {} was missing and has been created", topic);
        seen_.insert(topic);
      } else if (created.error().code != Code::AlreadyExists) {
        return fail(created.error().with(fmt::format("topic {} does not exist", topic)));
      }
    }
    return {};
  }

  void on_rebalance(client::Rebalance& rebalance, AssignmentListener& listener) {
    if (rebalance.kind == client::Rebalance::Kind::Assigned) {
      // A failure has stopped the engine, which will close us.
      static_cast<void>(listener.on_assigned(rebalance.partitions));
      for (auto& partition : rebalance.partitions) {
        if (partition.offset != client::kOffsetNone) continue;
        // Any offset in its range will do, but a number: for a name like "earliest" the consumer
        // would ask the broker for what the broker may just have refused to say.
        const auto marks = consumer_->watermarks(partition.topic_partition(), kSeekTimeout);
        partition.offset = marks ? marks->low : 0;
        held_.insert(partition.topic_partition());
        to_hold_.push_back(partition.topic_partition());
      }
      return;
    }
    std::vector<client::TopicPartition> gone;
    for (const auto& partition : rebalance.partitions) {
      gone.push_back(partition.topic_partition());
      held_.erase(gone.back());
      std::erase(to_hold_, gone.back());
    }
    if (rebalance.kind == client::Rebalance::Kind::Revoked) {
      listener.on_revoked(gone);
    } else {
      listener.on_lost(gone);
    }
  }

  std::vector<std::string> topics_;
  client::KafkaConsumerConfig config_;
  std::mutex mutex_;
  std::unique_ptr<client::KafkaConsumer> consumer_;
  std::set<std::string> seen_;  // topics that were there once
  std::set<client::TopicPartition> held_;
  std::vector<client::TopicPartition> to_hold_;  // paused when the poll that assigned them is over
};

// Tells `done` when the last of some deliveries is in.
struct Deliveries {
  Deliveries(std::size_t count, Function<void(std::vector<Result<void>>)> when_all)
      : results(count), left(count), done(std::move(when_all)) {}

  std::vector<Result<void>> results;  // each written by its own delivery
  std::atomic<std::size_t> left;
  Function<void(std::vector<Result<void>>)> done;

  void one(std::size_t number, Result<void> delivered) {
    results[number] = std::move(delivered);
    if (left.fetch_sub(1) == 1) done(std::move(results));
  }
};

class KafkaDeadLettersPort final : public DeadLetters {
 public:
  KafkaDeadLettersPort(const PipelineSpec& spec, const ConnectionSettings& settings)
      : pipeline_(spec.name), topic_(spec.dlq.topic), sources_(spec.source.topics) {
    config_.kafka = source_cluster(spec, settings);
    auto& properties = config_.kafka.properties;
    // A record that is too large for us must still fit through here; the broker has the last word.
    properties.emplace("message.max.bytes", "1000000000");
    // The broker refuses whole batches: small ones, so that a letter is seldom refused for its
    // neighbours.
    properties.emplace("batch.size", "65536");
    // A topic that does not take them is known after this, and they are sent again.
    properties.emplace("message.timeout.ms", "10000");
  }

  void send(std::vector<DeadLetter> letters,
            Function<void(std::vector<Result<void>>)> done) override {
    if (const auto opened = open(); !opened)
      return done(std::vector<Result<void>>(letters.size(), opened));
    const auto deliveries = std::make_shared<Deliveries>(letters.size(), std::move(done));
    for (std::size_t i = 0; i < letters.size(); ++i) {
      auto queued = produce(letters[i], [deliveries, i](Result<client::Delivery> delivered) {
        deliveries->one(i, delivered ? Result<void>() : Result<void>(fail(delivered.error())));
      });
      if (!queued) deliveries->one(i, std::move(queued));
    }
  }

 private:
  Result<void> open() {
    if (producer_) return {};
    TRY(create_topic());
    producer_ = TRY(client::KafkaProducer::open(config_));
    return {};
  }

  // Makes the topic, unless it is there, with room for whatever the source topics may hold and our
  // headers. A broker's own auto-creation would give it the limit of any other topic.
  Result<void> create_topic() const {
    const auto admin = TRY(client::KafkaAdmin::open(config_.kafka, kCreateTimeout));
    const auto found = admin->topic(topic_);
    if (found) return {};
    if (found.error().code != Code::NotFound) return fail(found.error());
    std::int64_t limit = 0;
    for (const std::string& source : sources_)
      limit = std::max(limit, message_limit(*admin, source) + kRoomForHeaders);
    limit = std::min<std::int64_t>(limit, std::numeric_limits<std::int32_t>::max());
    const auto created = admin->create_topic(
        {.name = topic_, .configs = {{"max.message.bytes", std::to_string(limit)}}});
    if (created) {
      log_info("stream", "pipeline {} created dead-letter topic {} for records of up to {} bytes",
               pipeline_, topic_, limit);
    } else if (created.error().code == Code::Unauthorized) {
      // Maybe producing to it makes it; if not, that will say so.
      log_warn("stream", "pipeline {}: {}", pipeline_, created.error().message);
    } else if (created.error().code != Code::AlreadyExists) {
      return fail(created.error());
    }
    return {};
  }

  std::int64_t message_limit(const client::KafkaAdmin& admin, const std::string& source) const {
    std::int64_t limit = 1'048'588;  // Kafka's default
    const auto configs = admin.topic_configs(source);
    if (!configs) {
      log_warn("stream", "pipeline {}: {}; taking {} for its max.message.bytes", pipeline_,
               configs.error().message, limit);
      return limit;
    }
    const auto found = configs->find("max.message.bytes");
    if (found != configs->end()) {
      const std::string& text = found->second;
      std::from_chars(text.data(), text.data() + text.size(), limit);
    }
    return limit;
  }

  Result<void> produce(const DeadLetter& letter, client::OnDelivery delivered) {
    const auto headers = dead_letter_headers(letter, pipeline_);
    client::ProducerRecord record;
    record.topic = topic_;
    if (letter.record.has_key && letter.body != LetterBody::PlaceOnly)
      record.key = letter.record.key;
    if (letter.record.has_value && letter.body == LetterBody::Whole)
      record.value = letter.record.value;
    for (const auto& [name, value] : headers) {
      record.headers.emplace_back(name, value ? std::optional<BytesView>(*value) : std::nullopt);
    }
    record.timestamp_millis = std::max<std::int64_t>(letter.record.timestamp_millis, 0);
    return producer_->produce(record, std::move(delivered));
  }

  std::string pipeline_;
  std::string topic_;
  std::vector<std::string> sources_;
  client::KafkaProducerConfig config_;
  std::unique_ptr<client::KafkaProducer> producer_;
};

}  // namespace

client::KafkaConfig source_cluster(const PipelineSpec& spec, const ConnectionSettings& settings) {
  client::KafkaConfig config;
  config.bootstrap_servers = spec.source.bootstrap_servers.empty() ? settings.bootstrap_servers
                                                                   : spec.source.bootstrap_servers;
  config.client_id = settings.client_id;
  config.properties = settings.kafka_properties;
  for (const auto& [name, value] : spec.source.properties)
    if (of_connection(name)) config.properties[name] = value;
  return config;
}

std::unique_ptr<Source> make_kafka_source(const PipelineSpec& spec,
                                          const ConnectionSettings& settings) {
  return std::make_unique<KafkaSourcePort>(spec, settings);
}
std::unique_ptr<DeadLetters> make_kafka_dead_letters(const PipelineSpec& spec,
                                                     const ConnectionSettings& settings) {
  return std::make_unique<KafkaDeadLettersPort>(spec, settings);
}

}  // namespace penstock::stream
