// SPDX-License-Identifier: Apache-2.0
// InitProducerId v0-v4 for idempotent producers: always a new id with epoch 0, which is also a
// right answer to who asks for its epoch to be bumped (KIP-360). Transactional producers are
// refused.
#include "wire/kafka/messages/init_producer_id.h"

#include "base/logging.h"
#include "broker/handlers/handlers.h"

namespace penstock::broker {

void handle(Node& node, Call<kafka::InitProducerIdRequest> call) {
  kafka::InitProducerIdResponse response;
  response.producer_epoch = kafka::kNoProducerEpoch;
  if (call.request.transactional_id) {
    log_warn("broker", "client '{}': transactions are not offered (transactional.id '{}')",
             call.caller.client_id, *call.request.transactional_id);
    response.error = KafkaError::UnsupportedVersion;
    return call.reply(std::move(response));
  }
  const auto id = node.producer_ids().next();
  if (!id) {
    log_error("broker", "{}", id.error().message);
    response.error = to_kafka(id.error());
    return call.reply(std::move(response));
  }
  response.producer_id = *id;
  response.producer_epoch = kafka::ProducerEpoch(0);
  call.reply(std::move(response));
}

}  // namespace penstock::broker
