// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "broker/node.h"
#include "broker/response_queue.h"
#include "net/address.h"
#include "wire/kafka/served_names.h"

// One function for each API, in the file of its name. Each answers its call once, now or later. The
// request, and what its views point at, lives only until the function returns.
namespace penstock::broker {

// Who asks, and over which door.
struct Caller {
  std::string client_id;
  std::string client_host;  // "/127.0.0.1", as Kafka shows it
  net::Address advertised;  // of the listener that the connection came in on
};

template <class Request>
struct Call {
  const Request& request;
  const Caller& caller;
  std::int16_t version;
  Reply<typename Request::Response> reply;
};

void handle(Node& node, Call<kafka::ApiVersionsRequest> call);
void handle(Node& node, Call<kafka::CreateTopicsRequest> call);
void handle(Node& node, Call<kafka::DeleteGroupsRequest> call);
void handle(Node& node, Call<kafka::DeleteTopicsRequest> call);
void handle(Node& node, Call<kafka::DescribeClusterRequest> call);
void handle(Node& node, Call<kafka::DescribeConfigsRequest> call);
void handle(Node& node, Call<kafka::DescribeGroupsRequest> call);
void handle(Node& node, Call<kafka::FetchRequest> call);
void handle(Node& node, Call<kafka::FindCoordinatorRequest> call);
void handle(Node& node, Call<kafka::HeartbeatRequest> call);
void handle(Node& node, Call<kafka::InitProducerIdRequest> call);
void handle(Node& node, Call<kafka::JoinGroupRequest> call);
void handle(Node& node, Call<kafka::LeaveGroupRequest> call);
void handle(Node& node, Call<kafka::ListGroupsRequest> call);
void handle(Node& node, Call<kafka::ListOffsetsRequest> call);
void handle(Node& node, Call<kafka::ListPartitionReassignmentsRequest> call);
void handle(Node& node, Call<kafka::MetadataRequest> call);
void handle(Node& node, Call<kafka::OffsetCommitRequest> call);
void handle(Node& node, Call<kafka::OffsetFetchRequest> call);
void handle(Node& node, Call<kafka::OffsetForLeaderEpochRequest> call);
void handle(Node& node, Call<kafka::ProduceRequest> call);
void handle(Node& node, Call<kafka::SyncGroupRequest> call);

// What everybody may do while there is no authorizer, as the bit fields that Metadata and the
// Describe APIs show: bit i is Kafka's AclOperation with code i.
inline constexpr std::int32_t kTopicOperations =
    (1 << 3) | (1 << 4) | (1 << 5) | (1 << 6) | (1 << 7) | (1 << 8) | (1 << 10) | (1 << 11);
inline constexpr std::int32_t kGroupOperations = (1 << 3) | (1 << 6) | (1 << 8);
inline constexpr std::int32_t kClusterOperations =
    (1 << 5) | (1 << 7) | (1 << 8) | (1 << 9) | (1 << 10) | (1 << 11) | (1 << 12);

// What is wrong with the leader epoch that a client believes in; -1 = it does not say.
inline KafkaError check_epoch(kafka::LeaderEpoch claimed, const log::PartitionLog& log) {
  if (claimed == kafka::kNoLeaderEpoch || claimed == log.leader_epoch()) return KafkaError::None;
  return claimed < log.leader_epoch() ? KafkaError::FencedLeaderEpoch
                                      : KafkaError::UnknownLeaderEpoch;
}

}  // namespace penstock::broker
