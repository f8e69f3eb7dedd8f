// SPDX-License-Identifier: Apache-2.0
// LeaveGroup v0-v5: one member before v3, many since (KIP-345).
#include "wire/kafka/messages/leave_group.h"

#include "broker/handlers/handlers.h"

namespace penstock::broker {

void handle(Node& node, Call<kafka::LeaveGroupRequest> call) {
  const auto& request = call.request;
  LeaveRequest leave{request.group, {}};
  if (call.version < 3) leave.members.push_back({request.member, std::nullopt});
  if (call.version >= 3)
    for (const auto& member : request.members)
      leave.members.push_back({member.member, member.instance});

  const LeaveResult result = node.groups().leave(leave);
  kafka::LeaveGroupResponse response;
  response.error = result.error;
  if (call.version < 3 && result.error == KafkaError::None) response.error = result.members.at(0);
  if (call.version >= 3)
    for (std::size_t i = 0; i < result.members.size(); ++i)
      response.members.push_back(
          {leave.members[i].member, leave.members[i].instance, result.members[i]});
  call.reply(std::move(response));
}

}  // namespace penstock::broker
