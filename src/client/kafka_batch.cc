// SPDX-License-Identifier: Apache-2.0
#include "client/kafka_batch.h"

#include "client/kafka_handle.h"

namespace penstock::client {

KafkaBatch::~KafkaBatch() {
  for (rd_kafka_message_t* message : messages_) rd_kafka_message_destroy(message);
}

void KafkaBatch::swap(KafkaBatch& other) noexcept {
  messages_.swap(other.messages_);
  records_.swap(other.records_);
  ends_.swap(other.ends_);
  std::swap(bytes_, other.bytes_);
}

void KafkaBatch::add(rd_kafka_message_t* message) {
  KafkaRecord record;
  // Records come in runs of one topic: its name is looked up once a run.
  if (!messages_.empty() && messages_.back()->rkt == message->rkt) {
    record.topic = records_.back().topic;
  } else {
    record.topic = rd_kafka_topic_name(message->rkt);
  }
  record.partition = message->partition;
  record.offset = message->offset;
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  const std::int64_t timestamp = rd_kafka_message_timestamp(message, &type);
  if (type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE) record.timestamp_millis = timestamp;
  record.has_key = message->key != nullptr;
  record.has_value = message->payload != nullptr;
  record.key = {static_cast<const char*>(message->key), message->key_len};
  record.value = {static_cast<const char*>(message->payload), message->len};
  bytes_ += message->key_len + message->len;
  messages_.push_back(message);
  records_.push_back(record);
}

std::vector<KafkaHeader> KafkaBatch::headers(std::size_t record) const {
  std::vector<KafkaHeader> list;
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(messages_[record], &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return list;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    list.push_back({name, value == nullptr
                              ? std::nullopt
                              : std::optional<BytesView>({static_cast<const char*>(value), size})});
  }
  return list;
}

}  // namespace penstock::client
