// SPDX-License-Identifier: Apache-2.0
// ListGroups v0-v4, filtered by state since v4 (KIP-518).
#include "wire/kafka/messages/list_groups.h"

#include <algorithm>

#include "broker/handlers/handlers.h"

namespace penstock::broker {

void handle(Node& node, Call<kafka::ListGroupsRequest> call) {
  kafka::ListGroupsResponse response;
  const auto& states = call.request.states_filter;
  for (const ListedGroup& group : node.groups().groups().list()) {
    const std::string state(name(group.state));
    if (states.empty() || std::ranges::find(states, state) != states.end())
      response.groups.push_back({group.id, group.protocol_type, state});
  }
  call.reply(std::move(response));
}

}  // namespace penstock::broker
