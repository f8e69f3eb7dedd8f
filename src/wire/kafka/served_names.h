// SPDX-License-Identifier: Apache-2.0
#pragma once

// The served requests by name, for those who pass them on without looking inside: their
// definitions, and what is derived from them, are slow to compile.
namespace penstock::kafka {

struct ApiVersionsRequest;
struct CreateTopicsRequest;
struct DeleteGroupsRequest;
struct DeleteTopicsRequest;
struct DescribeClusterRequest;
struct DescribeConfigsRequest;
struct DescribeGroupsRequest;
struct FetchRequest;
struct FindCoordinatorRequest;
struct HeartbeatRequest;
struct InitProducerIdRequest;
struct JoinGroupRequest;
struct LeaveGroupRequest;
struct ListGroupsRequest;
struct ListOffsetsRequest;
struct ListPartitionReassignmentsRequest;
struct MetadataRequest;
struct OffsetCommitRequest;
struct OffsetFetchRequest;
struct OffsetForLeaderEpochRequest;
struct ProduceRequest;
struct SyncGroupRequest;

}  // namespace penstock::kafka
