// SPDX-License-Identifier: Apache-2.0
// ListPartitionReassignments v0: one node moves nothing, but kafka-topics --describe asks.
#include "wire/kafka/messages/list_partition_reassignments.h"

#include "broker/handlers/handlers.h"

namespace penstock::broker {

void handle(Node&, Call<kafka::ListPartitionReassignmentsRequest> call) {
  call.reply({});
}

}  // namespace penstock::broker
