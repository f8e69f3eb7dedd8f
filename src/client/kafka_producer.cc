// SPDX-License-Identifier: Apache-2.0
#include "client/kafka_producer.h"

#include "base/logging.h"
#include "client/kafka_handle.h"

namespace penstock::client {
namespace {

// Runs on librdkafka's background thread: tells each record's fate to whoever asked.
void on_event(rd_kafka_t*, rd_kafka_event_t* raw, void*) {
  const EventPtr event(raw);
  if (rd_kafka_event_type(raw) == RD_KAFKA_EVENT_ERROR) {
    log_warn("kafka", "producer: {} ({})", rd_kafka_event_error_string(raw),
             rd_kafka_err2name(rd_kafka_event_error(raw)));
    return;
  }
  if (rd_kafka_event_type(raw) != RD_KAFKA_EVENT_DR) return;
  while (const rd_kafka_message_t* message = rd_kafka_event_message_next(raw)) {
    const std::unique_ptr<OnDelivery> done(static_cast<OnDelivery*>(message->_private));
    if (done == nullptr) continue;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      (*done)(Delivery{message->partition, message->offset});
    } else {
      (*done)(fail(kafka_error(message->err,
                               fmt::format("producing to {}", rd_kafka_topic_name(message->rkt)))));
    }
  }
}

}  // namespace

struct KafkaProducer::Impl {
  HandlePtr handle;
};

KafkaProducer::KafkaProducer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

KafkaProducer::~KafkaProducer() {
  // Purged records still get their callbacks, which own memory; flush waits for those calls only.
  rd_kafka_purge(impl_->handle.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_flush(impl_->handle.get(), 1000);
}

Result<std::unique_ptr<KafkaProducer>> KafkaProducer::open(const KafkaProducerConfig& config) {
  ConfBuilder conf(config.kafka);
  conf.set("enable.idempotence", config.idempotent ? "true" : "false")
      .set("acks", "all")
      .set("partitioner", "murmur2_random")
      .set("linger.ms", std::to_string(to_millis(config.linger)))
      .set("queue.buffering.max.messages", "1000000")
      .set("queue.buffering.max.kbytes", "262144");
  if (!config.compression.empty()) conf.set("compression.type", config.compression);
  rd_kafka_conf_set_events(conf.raw(), RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR);
  rd_kafka_conf_set_background_event_cb(conf.raw(), on_event);
  auto impl = std::make_unique<Impl>();
  impl->handle = TRY(conf.open(RD_KAFKA_PRODUCER, config.kafka));
  const QueuePtr main(rd_kafka_queue_get_main(impl->handle.get()));
  const QueuePtr background(rd_kafka_queue_get_background(impl->handle.get()));
  rd_kafka_queue_forward(main.get(), background.get());
  return std::unique_ptr<KafkaProducer>(new KafkaProducer(std::move(impl)));
}

Result<void> KafkaProducer::wait_ready(Duration timeout) const {
  const rd_kafka_metadata_t* answer = nullptr;
  const rd_kafka_resp_err_t error =
      rd_kafka_metadata(impl_->handle.get(), 0, nullptr, &answer, to_millis(timeout));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return fail(kafka_error(error, "asking for the cluster"));
  rd_kafka_metadata_destroy(answer);
  return {};
}

Result<void> KafkaProducer::produce(const ProducerRecord& record, OnDelivery on_delivery,
                                    WhenFull when_full) {
  const std::string topic(record.topic);
  rd_kafka_headers_t* headers = nullptr;
  if (!record.headers.empty()) {
    headers = rd_kafka_headers_new(record.headers.size());
    for (const auto& [name, value] : record.headers) {
      rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()),
                          value ? value->data() : nullptr,
                          value ? static_cast<ssize_t>(value->size()) : 0);
    }
  }
  const auto pointer = [](const std::optional<BytesView>& bytes) -> void* {
    if (!bytes) return nullptr;
    return const_cast<char*>(bytes->data() == nullptr ? "" : bytes->data());  // empty is not absent
  };
  const auto size = [](const std::optional<BytesView>& bytes) { return bytes ? bytes->size() : 0; };
  auto done = on_delivery ? std::make_unique<OnDelivery>(std::move(on_delivery)) : nullptr;
  const int flags = RD_KAFKA_MSG_F_COPY | (when_full == WhenFull::Wait ? RD_KAFKA_MSG_F_BLOCK : 0);
  // The macros of producev are C; the array form is the same by value.
  rd_kafka_vu_t arguments[8];
  std::size_t count = 0;
  const auto add = [&](rd_kafka_vtype_t type) -> decltype(rd_kafka_vu_t::u)& {
    arguments[count].vtype = type;
    return arguments[count++].u;
  };
  add(RD_KAFKA_VTYPE_TOPIC).cstr = topic.c_str();
  add(RD_KAFKA_VTYPE_PARTITION).i32 = record.partition;
  add(RD_KAFKA_VTYPE_MSGFLAGS).i = flags;
  auto& value = add(RD_KAFKA_VTYPE_VALUE);
  value.mem.ptr = pointer(record.value);
  value.mem.size = size(record.value);
  auto& key = add(RD_KAFKA_VTYPE_KEY);
  key.mem.ptr = pointer(record.key);
  key.mem.size = size(record.key);
  add(RD_KAFKA_VTYPE_TIMESTAMP).i64 = record.timestamp_millis;
  add(RD_KAFKA_VTYPE_OPAQUE).ptr = done.get();
  if (headers != nullptr) add(RD_KAFKA_VTYPE_HEADERS).headers = headers;
  rd_kafka_error_t* error = rd_kafka_produceva(impl_->handle.get(), arguments, count);
  if (error != nullptr) {
    if (headers != nullptr) rd_kafka_headers_destroy(headers);  // still ours
    return kafka_result(error, "producing to " + topic);
  }
  static_cast<void>(done.release());  // on_event() frees it
  return {};
}

std::size_t KafkaProducer::queued() const {
  return static_cast<std::size_t>(rd_kafka_outq_len(impl_->handle.get()));
}

Result<void> KafkaProducer::flush(Duration timeout) {
  const rd_kafka_resp_err_t error = rd_kafka_flush(impl_->handle.get(), to_millis(timeout));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return fail(kafka_error(error, fmt::format("flushing, {} records left", queued())));
  return {};
}

}  // namespace penstock::client
