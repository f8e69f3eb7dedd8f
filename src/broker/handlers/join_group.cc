// SPDX-License-Identifier: Apache-2.0
// JoinGroup v0-v9. The answer waits for the whole group.
#include "wire/kafka/messages/join_group.h"

#include "broker/handlers/handlers.h"

namespace penstock::broker {

void handle(Node& node, Call<kafka::JoinGroupRequest> call) {
  const auto& request = call.request;
  JoinRequest join{.group = request.group,
                   .member = request.member,
                   .instance = request.instance,
                   .client_id = call.caller.client_id,
                   .client_host = call.caller.client_host,
                   .session_timeout = Millis(request.session_timeout_ms),
                   // v0 has one timeout for both.
                   .rebalance_timeout = Millis(call.version >= 1 ? request.rebalance_timeout_ms
                                                                 : request.session_timeout_ms),
                   .protocol_type = request.protocol_type,
                   .protocols = {},
                   .requires_known_member_id = call.version >= 4,
                   .supports_skip_assignment = call.version >= 9};
  for (const auto& protocol : request.protocols)
    join.protocols.push_back({protocol.name, protocol.metadata});

  node.groups().join(
      join, [version = call.version, reply = std::move(call.reply)](JoinResult result) mutable {
        kafka::JoinGroupResponse response;
        response.error = result.error;
        response.generation = result.generation;
        response.protocol_type = std::move(result.protocol_type);
        response.protocol_name = std::move(result.protocol);
        if (!response.protocol_name && version < 7) response.protocol_name = "";
        response.leader = std::move(result.leader);
        response.skip_assignment = result.skip_assignment;
        response.member = std::move(result.member);
        for (JoinedMember& member : result.members)
          response.members.push_back(
              {std::move(member.id), std::move(member.instance), std::move(member.metadata)});
        reply(std::move(response));
      });
}

}  // namespace penstock::broker
