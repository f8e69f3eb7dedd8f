// SPDX-License-Identifier: Apache-2.0
// FindCoordinator v0-v4: it is always this node. The first question creates __consumer_offsets, so
// that a group's first commit does not wait for it.
#include "wire/kafka/messages/find_coordinator.h"

#include "base/logging.h"
#include "broker/handlers/handlers.h"

namespace penstock::broker {
namespace {

using Coordinator = kafka::FindCoordinatorResponse::Coordinator;

Coordinator coordinator_of(Node& node, const Caller& caller, kafka::CoordinatorType type,
                           const std::string& key) {
  Coordinator coordinator;
  coordinator.key = key;
  coordinator.node_id = kafka::kNoBroker;
  coordinator.port = -1;
  if (type == kafka::CoordinatorType::Transaction) {
    coordinator.error = KafkaError::UnsupportedVersion;
    coordinator.error_message =
        "transactions are not offered; use an idempotent producer without transactional.id";
    return coordinator;
  }
  if (type != kafka::CoordinatorType::Group) {
    coordinator.error = KafkaError::InvalidRequest;
    coordinator.error_message =
        fmt::format("coordinator type {} is not known", static_cast<int>(type));
    return coordinator;
  }
  if (const auto prepared = node.groups().prepare(); !prepared) {
    log_warn("broker", "{}", prepared.error().message);
    coordinator.error = KafkaError::CoordinatorNotAvailable;
    coordinator.error_message = prepared.error().message;
    return coordinator;
  }
  coordinator.node_id = node.id();
  coordinator.host = caller.advertised.host;
  coordinator.port = caller.advertised.port;
  return coordinator;
}

}  // namespace

void handle(Node& node, Call<kafka::FindCoordinatorRequest> call) {
  const auto& request = call.request;
  kafka::FindCoordinatorResponse response;
  if (call.version >= 4) {
    for (const std::string& key : request.coordinator_keys)
      response.coordinators.push_back(coordinator_of(node, call.caller, request.key_type, key));
    return call.reply(std::move(response));
  }
  Coordinator coordinator = coordinator_of(node, call.caller, request.key_type, request.key);
  response.error = coordinator.error;
  response.error_message = std::move(coordinator.error_message);
  response.node_id = coordinator.node_id;
  response.host = std::move(coordinator.host);
  response.port = coordinator.port;
  call.reply(std::move(response));
}

}  // namespace penstock::broker
