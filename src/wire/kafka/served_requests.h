// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>

#include "wire/kafka/api.h"
#include "wire/kafka/messages/api_versions.h"
#include "wire/kafka/messages/create_topics.h"
#include "wire/kafka/messages/delete_groups.h"
#include "wire/kafka/messages/delete_topics.h"
#include "wire/kafka/messages/describe_cluster.h"
#include "wire/kafka/messages/describe_configs.h"
#include "wire/kafka/messages/describe_groups.h"
#include "wire/kafka/messages/fetch.h"
#include "wire/kafka/messages/find_coordinator.h"
#include "wire/kafka/messages/heartbeat.h"
#include "wire/kafka/messages/init_producer_id.h"
#include "wire/kafka/messages/join_group.h"
#include "wire/kafka/messages/leave_group.h"
#include "wire/kafka/messages/list_groups.h"
#include "wire/kafka/messages/list_offsets.h"
#include "wire/kafka/messages/list_partition_reassignments.h"
#include "wire/kafka/messages/metadata.h"
#include "wire/kafka/messages/offset_commit.h"
#include "wire/kafka/messages/offset_fetch.h"
#include "wire/kafka/messages/offset_for_leader_epoch.h"
#include "wire/kafka/messages/produce.h"
#include "wire/kafka/messages/sync_group.h"

namespace penstock::kafka {

template <class T>
concept ServedRequest = requires {
  { T::api } -> std::convertible_to<const Api&>;
  { T::Response::api } -> std::convertible_to<const Api&>;
}
&&T::api.key == T::Response::api.key&& T::api.versions.first <= T::api.versions.last;

template <ServedRequest... Requests>
struct RequestList {
  static constexpr std::size_t kSize = sizeof...(Requests);

  // Calls f.template operator()<Request>() for each, in order.
  static constexpr void for_each(auto&& f) { (f.template operator()<Requests>(), ...); }

  // Calls f.template operator()<Request>() for the request with this key; false when there is none.
  static constexpr bool with_key(std::int16_t key, auto&& f) {
    return ((Requests::api.key == key ? (f.template operator()<Requests>(), true) : false) || ...);
  }
};

// The truth about what we serve, in the order of the keys: dispatch, ApiVersions and COMPAT.md come
// from it.
using ServedApis =
    RequestList<ProduceRequest, FetchRequest, ListOffsetsRequest, MetadataRequest,
                OffsetCommitRequest, OffsetFetchRequest, FindCoordinatorRequest, JoinGroupRequest,
                HeartbeatRequest, LeaveGroupRequest, SyncGroupRequest, DescribeGroupsRequest,
                ListGroupsRequest, ApiVersionsRequest, CreateTopicsRequest, DeleteTopicsRequest,
                InitProducerIdRequest, OffsetForLeaderEpochRequest, DescribeConfigsRequest,
                DeleteGroupsRequest, ListPartitionReassignmentsRequest, DescribeClusterRequest>;

}  // namespace penstock::kafka
