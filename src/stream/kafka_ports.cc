// SPDX-License-Identifier: Apache-2.0
#include "stream/kafka_ports.h"

#include <atomic>
#include <mutex>

#include "base/logging.h"
#include "client/kafka_client.h"
#include "stream/dead_letter.h"

namespace penstock::stream {
namespace {

constexpr Duration kAskTimeout = std::chrono::seconds(10);

client::KafkaConfig kafka_config(const PipelineSpec& spec, const ConnectionSettings& settings) {
  client::KafkaConfig config;
  config.bootstrap_servers = spec.source.bootstrap_servers.empty() ? settings.bootstrap_servers
                                                                   : spec.source.bootstrap_servers;
  config.client_id = settings.client_id;
  config.properties = settings.kafka_properties;
  return config;
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
    config_.kafka = kafka_config(spec, settings);
    config_.group = spec.source.group;
    config_.group_instance = settings.group_instance;
    config_.start = spec.source.start == StartAt::Earliest ? "earliest" : "latest";
    auto& properties = config_.kafka.properties;
    // What librdkafka reads ahead counts too: an eighth of the pipeline's memory.
    properties.emplace("queued.max.messages.kbytes",
                       std::to_string(std::max<std::size_t>(spec.memory_bytes / 8 / 1024, 1024)));
    properties.emplace("queued.min.messages", "1000000");
    properties.emplace("fetch.error.backoff.ms", "50");
    for (const auto& [name, value] : spec.source.properties) properties[name] = value;
  }

  Result<void> open(AssignmentListener& listener) override {
    TRY(create_missing_topics());
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
    return std::make_shared<const KafkaFetched>(std::move(batch));
  }
  void wake() override {
    const std::lock_guard lock(mutex_);  // close() may come from the engine's thread meanwhile
    if (consumer_) consumer_->wake();
  }
  void pause_all() override { static_cast<void>(consumer_->pause(consumer_->assignment())); }
  void resume_all() override { static_cast<void>(consumer_->resume(consumer_->assignment())); }

  Result<std::map<client::TopicPartition, Committed>> committed(
      const std::vector<client::TopicPartition>& partitions) override {
    std::map<client::TopicPartition, Committed> out;
    for (auto& found : TRY(consumer_->committed(partitions, kAskTimeout))) {
      out[found.topic_partition()] = {found.offset, found.metadata};
    }
    return out;
  }
  Result<client::Watermarks> watermarks(const client::TopicPartition& partition) override {
    return consumer_->watermarks(partition, kAskTimeout);
  }
  std::optional<std::int64_t> last_end(const client::TopicPartition& partition) override {
    const auto marks = consumer_->last_watermarks(partition);
    if (!marks) return std::nullopt;
    return marks->high;
  }
  Result<void> commit(const std::vector<client::TopicPartitionOffset>& offsets,
                      bool wait) override {
    if (!consumer_) return {};
    if (wait) return consumer_->commit(offsets);
    consumer_->commit_async(offsets, [](Result<void> result) {
      if (!result) log_warn("stream", "committing to the group failed: {}", result.error().message);
    });
    return {};
  }
  void close() override {
    if (!consumer_) return;
    consumer_->close();
    const std::lock_guard lock(mutex_);
    consumer_.reset();
  }

 private:
  // A pipeline may start before its first producer. librdkafka's consumer does not ask the broker to
  // make a topic when it subscribes, so the pipeline does, with the broker's own defaults.
  Result<void> create_missing_topics() const {
    const auto admin = TRY(client::KafkaAdmin::open(config_.kafka, kAskTimeout));
    for (const std::string& topic : topics_) {
      const auto found = admin->topic(topic);
      if (found || found.error().code != Code::NotFound) continue;  // the consumer will say why
      const auto created = admin->create_topic({.name = topic, .configs = {}});
      if (created) {
        log_info("stream", "topic {} was missing and has been created", topic);
      } else if (created.error().code != Code::AlreadyExists) {
        return fail(created.error().with(fmt::format("topic {} does not exist", topic)));
      }
    }
    return {};
  }

  static void on_rebalance(client::Rebalance& rebalance, AssignmentListener& listener) {
    if (rebalance.kind == client::Rebalance::Kind::Assigned) {
      // A failure has stopped the engine, which will close us.
      static_cast<void>(listener.on_assigned(rebalance.partitions));
      return;
    }
    std::vector<client::TopicPartition> gone;
    for (const auto& partition : rebalance.partitions) gone.push_back(partition.topic_partition());
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
};

// Tells `done` when the last of some deliveries is in.
struct Deliveries {
  std::atomic<std::size_t> left;
  std::mutex mutex;
  Result<void> result;
  Function<void(Result<void>)> done;

  void one(Result<void> delivered) {
    if (!delivered) {
      const std::lock_guard lock(mutex);
      result = std::move(delivered);
    }
    if (left.fetch_sub(1) == 1) done(std::move(result));
  }
};

class KafkaDeadLettersPort final : public DeadLetters {
 public:
  KafkaDeadLettersPort(const PipelineSpec& spec, const ConnectionSettings& settings)
      : pipeline_(spec.name), topic_(spec.dlq.topic) {
    config_.kafka = kafka_config(spec, settings);
    // A record that is too large for us must still fit through here; the broker has the last word.
    config_.kafka.properties.emplace("message.max.bytes", "1000000000");
  }

  void send(std::vector<DeadLetter> letters, Function<void(Result<void>)> done) override {
    if (!producer_) {
      auto opened = client::KafkaProducer::open(config_);
      if (!opened) return done(fail(opened.error()));
      producer_ = *std::move(opened);
    }
    auto deliveries = std::make_shared<Deliveries>();
    deliveries->left = letters.size();
    deliveries->done = std::move(done);
    for (const DeadLetter& letter : letters) {
      const auto headers = dead_letter_headers(letter, pipeline_);
      client::ProducerRecord record;
      record.topic = topic_;
      if (letter.record.has_key) record.key = letter.record.key;
      if (letter.record.has_value) record.value = letter.record.value;
      for (const auto& [name, value] : headers) {
        record.headers.emplace_back(name, value ? std::optional<BytesView>(*value) : std::nullopt);
      }
      record.timestamp_millis = std::max<std::int64_t>(letter.record.timestamp_millis, 0);
      auto queued = producer_->produce(record, [deliveries](Result<client::Delivery> delivered) {
        deliveries->one(delivered ? Result<void>() : Result<void>(fail(delivered.error())));
      });
      if (!queued) deliveries->one(std::move(queued));
    }
  }

 private:
  std::string pipeline_;
  std::string topic_;
  client::KafkaProducerConfig config_;
  std::unique_ptr<client::KafkaProducer> producer_;
};

}  // namespace

std::unique_ptr<Source> make_kafka_source(const PipelineSpec& spec,
                                          const ConnectionSettings& settings) {
  return std::make_unique<KafkaSourcePort>(spec, settings);
}
std::unique_ptr<DeadLetters> make_kafka_dead_letters(const PipelineSpec& spec,
                                                     const ConnectionSettings& settings) {
  return std::make_unique<KafkaDeadLettersPort>(spec, settings);
}

}  // namespace penstock::stream
