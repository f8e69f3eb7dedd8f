// SPDX-License-Identifier: Apache-2.0
// SyncGroup v0-v5. The answer waits for the leader's assignment, and that for the disk.
#include "wire/kafka/messages/sync_group.h"

#include "broker/handlers/handlers.h"

namespace penstock::broker {

void handle(Node& node, Call<kafka::SyncGroupRequest> call) {
  const auto& request = call.request;
  SyncRequest sync{request.group,
                   request.generation,
                   request.member,
                   request.instance,
                   request.protocol_type,
                   request.protocol_name,
                   {}};
  for (const auto& assignment : request.assignments)
    sync.assignments.push_back({assignment.member, assignment.assignment});

  node.groups().sync(sync, [reply = std::move(call.reply)](SyncResult result) mutable {
    kafka::SyncGroupResponse response;
    response.error = result.error;
    response.protocol_type = std::move(result.protocol_type);
    response.protocol_name = std::move(result.protocol);
    response.assignment = std::move(result.assignment);
    reply(std::move(response));
  });
}

}  // namespace penstock::broker
