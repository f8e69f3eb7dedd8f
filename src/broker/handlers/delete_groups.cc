// SPDX-License-Identifier: Apache-2.0
// DeleteGroups v0-v2: answered when every group's tombstones are on disk.
#include "wire/kafka/messages/delete_groups.h"

#include "broker/handlers/handlers.h"

namespace penstock::broker {

void handle(Node& node, Call<kafka::DeleteGroupsRequest> call) {
  struct Deleting {
    Reply<kafka::DeleteGroupsResponse> reply;
    kafka::DeleteGroupsResponse response;
    std::size_t left = 0;
  };
  const auto deleting =
      std::make_shared<Deleting>(Deleting{std::move(call.reply), {}, call.request.groups.size()});
  if (deleting->left == 0) return deleting->reply({});
  for (const GroupId& group : call.request.groups)
    deleting->response.groups.push_back({group, KafkaError::None});
  for (std::size_t i = 0; i < call.request.groups.size(); ++i)
    node.groups().remove_group(call.request.groups[i], [deleting, i](KafkaError error) {
      deleting->response.groups[i].error = error;
      if (--deleting->left == 0) deleting->reply(std::move(deleting->response));
    });
}

}  // namespace penstock::broker
