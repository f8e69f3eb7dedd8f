// SPDX-License-Identifier: Apache-2.0
// DescribeCluster v0 (KIP-700): one broker, under the address of the caller's listener.
#include "wire/kafka/messages/describe_cluster.h"

#include "broker/handlers/handlers.h"

namespace penstock::broker {

void handle(Node& node, Call<kafka::DescribeClusterRequest> call) {
  kafka::DescribeClusterResponse response;
  response.cluster_id = node.logs().cluster_id();
  response.controller_id = node.id();
  response.brokers.push_back(
      {node.id(), call.caller.advertised.host, call.caller.advertised.port, std::nullopt});
  if (call.request.include_cluster_authorized_operations)
    response.cluster_authorized_operations = kClusterOperations;
  call.reply(std::move(response));
}

}  // namespace penstock::broker
