// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "wire/kafka/api.h"
#include "wire/kafka/errors.h"
#include "wire/kafka/ids.h"

namespace penstock::kafka {

struct InitProducerIdResponse;

// v3+ brings the present id and epoch of a producer that wants its epoch bumped (KIP-360).
struct InitProducerIdRequest {
  using Response = InitProducerIdResponse;
  static constexpr Api api{
      .key = 22, .name = "InitProducerId", .versions = {0, 4}, .flexible_since = 2};

  std::optional<TransactionalId> transactional_id;
  std::int32_t transaction_timeout_ms = 0;
  ProducerId producer_id{-1};
  ProducerEpoch producer_epoch{-1};

  static void walk(auto& io, auto& m) {
    io.field("TransactionalId", m.transactional_id, since(0), nullable_since(0));
    io.field("TransactionTimeoutMs", m.transaction_timeout_ms, since(0));
    io.field("ProducerId", m.producer_id, since(3));
    io.field("ProducerEpoch", m.producer_epoch, since(3));
  }
  bool operator==(const InitProducerIdRequest&) const = default;
};

struct InitProducerIdResponse {
  static constexpr Api api = InitProducerIdRequest::api;

  std::int32_t throttle_ms = 0;
  KafkaError error = KafkaError::None;
  ProducerId producer_id{-1};
  ProducerEpoch producer_epoch;

  static void walk(auto& io, auto& m) {
    io.field("ThrottleTimeMs", m.throttle_ms, since(0), ignorable);
    io.field("ErrorCode", m.error, since(0));
    io.field("ProducerId", m.producer_id, since(0));
    io.field("ProducerEpoch", m.producer_epoch, since(0));
  }
  bool operator==(const InitProducerIdResponse&) const = default;
};

}  // namespace penstock::kafka
