// SPDX-License-Identifier: Apache-2.0
// Heartbeat v0-v4.
#include "wire/kafka/messages/heartbeat.h"

#include "broker/handlers/handlers.h"

namespace penstock::broker {

void handle(Node& node, Call<kafka::HeartbeatRequest> call) {
  const auto& request = call.request;
  kafka::HeartbeatResponse response;
  response.error = node.groups().heartbeat(
      {request.group, request.generation, request.member, request.instance});
  call.reply(std::move(response));
}

}  // namespace penstock::broker
