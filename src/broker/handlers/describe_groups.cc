// SPDX-License-Identifier: Apache-2.0
// DescribeGroups v0-v5. A group that does not exist is Dead, without an error.
#include "wire/kafka/messages/describe_groups.h"

#include "broker/handlers/handlers.h"

namespace penstock::broker {

void handle(Node& node, Call<kafka::DescribeGroupsRequest> call) {
  kafka::DescribeGroupsResponse response;
  for (const GroupId& group : call.request.groups) {
    auto& answer = response.groups.emplace_back();
    answer.group = group;
    answer.error = node.groups().check(group);
    if (answer.error != KafkaError::None) continue;
    GroupDescription description = node.groups().groups().describe(group);
    answer.state = std::string(name(description.state));
    answer.protocol_type = std::move(description.protocol_type);
    answer.protocol_data = std::move(description.protocol);
    if (call.request.include_authorized_operations) answer.authorized_operations = kGroupOperations;
    for (auto& member : description.members)
      answer.members.push_back({std::move(member.id), std::move(member.instance),
                                std::move(member.client_id), std::move(member.client_host),
                                std::move(member.metadata), std::move(member.assignment)});
  }
  call.reply(std::move(response));
}

}  // namespace penstock::broker
