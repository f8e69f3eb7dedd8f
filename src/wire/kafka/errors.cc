// SPDX-License-Identifier: Apache-2.0
#include "wire/kafka/errors.h"

#include <array>

namespace penstock::kafka {
namespace {

struct Row {
  KafkaError error;
  std::string_view name;
  bool retriable;
};

// In the order of the codes, from -1.
constexpr std::array kRows = std::to_array<Row>({
    {KafkaError::UnknownServerError, "UNKNOWN_SERVER_ERROR", false},
    {KafkaError::None, "NONE", false},
    {KafkaError::OffsetOutOfRange, "OFFSET_OUT_OF_RANGE", false},
    {KafkaError::CorruptMessage, "CORRUPT_MESSAGE", true},
    {KafkaError::UnknownTopicOrPartition, "UNKNOWN_TOPIC_OR_PARTITION", true},
    {KafkaError::InvalidFetchSize, "INVALID_FETCH_SIZE", false},
    {KafkaError::LeaderNotAvailable, "LEADER_NOT_AVAILABLE", true},
    {KafkaError::NotLeaderOrFollower, "NOT_LEADER_OR_FOLLOWER", true},
    {KafkaError::RequestTimedOut, "REQUEST_TIMED_OUT", true},
    {KafkaError::BrokerNotAvailable, "BROKER_NOT_AVAILABLE", false},
    {KafkaError::ReplicaNotAvailable, "REPLICA_NOT_AVAILABLE", true},
    {KafkaError::MessageTooLarge, "MESSAGE_TOO_LARGE", false},
    {KafkaError::StaleControllerEpoch, "STALE_CONTROLLER_EPOCH", false},
    {KafkaError::OffsetMetadataTooLarge, "OFFSET_METADATA_TOO_LARGE", false},
    {KafkaError::NetworkException, "NETWORK_EXCEPTION", true},
    {KafkaError::CoordinatorLoadInProgress, "COORDINATOR_LOAD_IN_PROGRESS", true},
    {KafkaError::CoordinatorNotAvailable, "COORDINATOR_NOT_AVAILABLE", true},
    {KafkaError::NotCoordinator, "NOT_COORDINATOR", true},
    {KafkaError::InvalidTopic, "INVALID_TOPIC_EXCEPTION", false},
    {KafkaError::RecordListTooLarge, "RECORD_LIST_TOO_LARGE", false},
    {KafkaError::NotEnoughReplicas, "NOT_ENOUGH_REPLICAS", true},
    {KafkaError::NotEnoughReplicasAfterAppend, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", true},
    {KafkaError::InvalidRequiredAcks, "INVALID_REQUIRED_ACKS", false},
    {KafkaError::IllegalGeneration, "ILLEGAL_GENERATION", false},
    {KafkaError::InconsistentGroupProtocol, "INCONSISTENT_GROUP_PROTOCOL", false},
    {KafkaError::InvalidGroupId, "INVALID_GROUP_ID", false},
    {KafkaError::UnknownMemberId, "UNKNOWN_MEMBER_ID", false},
    {KafkaError::InvalidSessionTimeout, "INVALID_SESSION_TIMEOUT", false},
    {KafkaError::RebalanceInProgress, "REBALANCE_IN_PROGRESS", false},
    {KafkaError::InvalidCommitOffsetSize, "INVALID_COMMIT_OFFSET_SIZE", false},
    {KafkaError::TopicAuthorizationFailed, "TOPIC_AUTHORIZATION_FAILED", false},
    {KafkaError::GroupAuthorizationFailed, "GROUP_AUTHORIZATION_FAILED", false},
    {KafkaError::ClusterAuthorizationFailed, "CLUSTER_AUTHORIZATION_FAILED", false},
    {KafkaError::InvalidTimestamp, "INVALID_TIMESTAMP", false},
    {KafkaError::UnsupportedSaslMechanism, "UNSUPPORTED_SASL_MECHANISM", false},
    {KafkaError::IllegalSaslState, "ILLEGAL_SASL_STATE", false},
    {KafkaError::UnsupportedVersion, "UNSUPPORTED_VERSION", false},
    {KafkaError::TopicAlreadyExists, "TOPIC_ALREADY_EXISTS", false},
    {KafkaError::InvalidPartitions, "INVALID_PARTITIONS", false},
    {KafkaError::InvalidReplicationFactor, "INVALID_REPLICATION_FACTOR", false},
    {KafkaError::InvalidReplicaAssignment, "INVALID_REPLICA_ASSIGNMENT", false},
    {KafkaError::InvalidConfig, "INVALID_CONFIG", false},
    {KafkaError::NotController, "NOT_CONTROLLER", true},
    {KafkaError::InvalidRequest, "INVALID_REQUEST", false},
    {KafkaError::UnsupportedForMessageFormat, "UNSUPPORTED_FOR_MESSAGE_FORMAT", false},
    {KafkaError::PolicyViolation, "POLICY_VIOLATION", false},
    {KafkaError::OutOfOrderSequenceNumber, "OUT_OF_ORDER_SEQUENCE_NUMBER", false},
    {KafkaError::DuplicateSequenceNumber, "DUPLICATE_SEQUENCE_NUMBER", false},
    {KafkaError::InvalidProducerEpoch, "INVALID_PRODUCER_EPOCH", false},
    {KafkaError::InvalidTxnState, "INVALID_TXN_STATE", false},
    {KafkaError::InvalidProducerIdMapping, "INVALID_PRODUCER_ID_MAPPING", false},
    {KafkaError::InvalidTransactionTimeout, "INVALID_TRANSACTION_TIMEOUT", false},
    {KafkaError::ConcurrentTransactions, "CONCURRENT_TRANSACTIONS", true},
    {KafkaError::TransactionCoordinatorFenced, "TRANSACTION_COORDINATOR_FENCED", false},
    {KafkaError::TransactionalIdAuthorizationFailed, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
     false},
    {KafkaError::SecurityDisabled, "SECURITY_DISABLED", false},
    {KafkaError::OperationNotAttempted, "OPERATION_NOT_ATTEMPTED", false},
    {KafkaError::KafkaStorageError, "KAFKA_STORAGE_ERROR", true},
    {KafkaError::LogDirNotFound, "LOG_DIR_NOT_FOUND", false},
    {KafkaError::SaslAuthenticationFailed, "SASL_AUTHENTICATION_FAILED", false},
    {KafkaError::UnknownProducerId, "UNKNOWN_PRODUCER_ID", false},
    {KafkaError::ReassignmentInProgress, "REASSIGNMENT_IN_PROGRESS", false},
    {KafkaError::DelegationTokenAuthDisabled, "DELEGATION_TOKEN_AUTH_DISABLED", false},
    {KafkaError::DelegationTokenNotFound, "DELEGATION_TOKEN_NOT_FOUND", false},
    {KafkaError::DelegationTokenOwnerMismatch, "DELEGATION_TOKEN_OWNER_MISMATCH", false},
    {KafkaError::DelegationTokenRequestNotAllowed, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", false},
    {KafkaError::DelegationTokenAuthorizationFailed, "DELEGATION_TOKEN_AUTHORIZATION_FAILED",
     false},
    {KafkaError::DelegationTokenExpired, "DELEGATION_TOKEN_EXPIRED", false},
    {KafkaError::InvalidPrincipalType, "INVALID_PRINCIPAL_TYPE", false},
    {KafkaError::NonEmptyGroup, "NON_EMPTY_GROUP", false},
    {KafkaError::GroupIdNotFound, "GROUP_ID_NOT_FOUND", false},
    {KafkaError::FetchSessionIdNotFound, "FETCH_SESSION_ID_NOT_FOUND", true},
    {KafkaError::InvalidFetchSessionEpoch, "INVALID_FETCH_SESSION_EPOCH", true},
    {KafkaError::ListenerNotFound, "LISTENER_NOT_FOUND", true},
    {KafkaError::TopicDeletionDisabled, "TOPIC_DELETION_DISABLED", false},
    {KafkaError::FencedLeaderEpoch, "FENCED_LEADER_EPOCH", true},
    {KafkaError::UnknownLeaderEpoch, "UNKNOWN_LEADER_EPOCH", true},
    {KafkaError::UnsupportedCompressionType, "UNSUPPORTED_COMPRESSION_TYPE", false},
    {KafkaError::StaleBrokerEpoch, "STALE_BROKER_EPOCH", false},
    {KafkaError::OffsetNotAvailable, "OFFSET_NOT_AVAILABLE", true},
    {KafkaError::MemberIdRequired, "MEMBER_ID_REQUIRED", false},
    {KafkaError::PreferredLeaderNotAvailable, "PREFERRED_LEADER_NOT_AVAILABLE", true},
    {KafkaError::GroupMaxSizeReached, "GROUP_MAX_SIZE_REACHED", false},
    {KafkaError::FencedInstanceId, "FENCED_INSTANCE_ID", false},
    {KafkaError::EligibleLeadersNotAvailable, "ELIGIBLE_LEADERS_NOT_AVAILABLE", true},
    {KafkaError::ElectionNotNeeded, "ELECTION_NOT_NEEDED", true},
    {KafkaError::NoReassignmentInProgress, "NO_REASSIGNMENT_IN_PROGRESS", false},
    {KafkaError::GroupSubscribedToTopic, "GROUP_SUBSCRIBED_TO_TOPIC", false},
    {KafkaError::InvalidRecord, "INVALID_RECORD", false},
    {KafkaError::UnstableOffsetCommit, "UNSTABLE_OFFSET_COMMIT", true},
    {KafkaError::ThrottlingQuotaExceeded, "THROTTLING_QUOTA_EXCEEDED", true},
    {KafkaError::ProducerFenced, "PRODUCER_FENCED", false},
    {KafkaError::ResourceNotFound, "RESOURCE_NOT_FOUND", false},
    {KafkaError::DuplicateResource, "DUPLICATE_RESOURCE", false},
    {KafkaError::UnacceptableCredential, "UNACCEPTABLE_CREDENTIAL", false},
    {KafkaError::InconsistentVoterSet, "INCONSISTENT_VOTER_SET", false},
    {KafkaError::InvalidUpdateVersion, "INVALID_UPDATE_VERSION", false},
    {KafkaError::FeatureUpdateFailed, "FEATURE_UPDATE_FAILED", false},
    {KafkaError::PrincipalDeserializationFailure, "PRINCIPAL_DESERIALIZATION_FAILURE", false},
    {KafkaError::SnapshotNotFound, "SNAPSHOT_NOT_FOUND", false},
    {KafkaError::PositionOutOfRange, "POSITION_OUT_OF_RANGE", false},
    {KafkaError::UnknownTopicId, "UNKNOWN_TOPIC_ID", true},
    {KafkaError::DuplicateBrokerRegistration, "DUPLICATE_BROKER_REGISTRATION", false},
    {KafkaError::BrokerIdNotRegistered, "BROKER_ID_NOT_REGISTERED", false},
    {KafkaError::InconsistentTopicId, "INCONSISTENT_TOPIC_ID", true},
    {KafkaError::InconsistentClusterId, "INCONSISTENT_CLUSTER_ID", false},
    {KafkaError::TransactionalIdNotFound, "TRANSACTIONAL_ID_NOT_FOUND", false},
    {KafkaError::FetchSessionTopicIdError, "FETCH_SESSION_TOPIC_ID_ERROR", true},
    {KafkaError::IneligibleReplica, "INELIGIBLE_REPLICA", false},
    {KafkaError::NewLeaderElected, "NEW_LEADER_ELECTED", false},
    {KafkaError::OffsetMovedToTieredStorage, "OFFSET_MOVED_TO_TIERED_STORAGE", false},
    {KafkaError::FencedMemberEpoch, "FENCED_MEMBER_EPOCH", false},
    {KafkaError::UnreleasedInstanceId, "UNRELEASED_INSTANCE_ID", false},
    {KafkaError::UnsupportedAssignor, "UNSUPPORTED_ASSIGNOR", false},
    {KafkaError::StaleMemberEpoch, "STALE_MEMBER_EPOCH", false},
    {KafkaError::MismatchedEndpointType, "MISMATCHED_ENDPOINT_TYPE", false},
    {KafkaError::UnsupportedEndpointType, "UNSUPPORTED_ENDPOINT_TYPE", false},
    {KafkaError::UnknownControllerId, "UNKNOWN_CONTROLLER_ID", false},
    {KafkaError::UnknownSubscriptionId, "UNKNOWN_SUBSCRIPTION_ID", false},
    {KafkaError::TelemetryTooLarge, "TELEMETRY_TOO_LARGE", false},
    {KafkaError::InvalidRegistration, "INVALID_REGISTRATION", false},
    {KafkaError::TransactionAbortable, "TRANSACTION_ABORTABLE", false},
    {KafkaError::InvalidRecordState, "INVALID_RECORD_STATE", false},
    {KafkaError::ShareSessionNotFound, "SHARE_SESSION_NOT_FOUND", true},
    {KafkaError::InvalidShareSessionEpoch, "INVALID_SHARE_SESSION_EPOCH", true},
    {KafkaError::FencedStateEpoch, "FENCED_STATE_EPOCH", false},
    {KafkaError::InvalidVoterKey, "INVALID_VOTER_KEY", false},
    {KafkaError::DuplicateVoter, "DUPLICATE_VOTER", false},
    {KafkaError::VoterNotFound, "VOTER_NOT_FOUND", false},
    {KafkaError::InvalidRegularExpression, "INVALID_REGULAR_EXPRESSION", false},
    {KafkaError::RebootstrapRequired, "REBOOTSTRAP_REQUIRED", false},
});

constexpr int kFirstCode = static_cast<int>(kRows.front().error);

constexpr bool in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<int>(kRows[i].error) != kFirstCode + static_cast<int>(i)) return false;
  }
  return true;
}
static_assert(in_order());

const Row* find(KafkaError error) {
  const auto index = static_cast<std::size_t>(static_cast<int>(error) - kFirstCode);
  return index < kRows.size() ? &kRows[index] : nullptr;
}

}  // namespace

std::string_view name(KafkaError error) {
  const Row* row = find(error);
  return row ? row->name : "UNKNOWN_ERROR_CODE";
}

bool retriable(KafkaError error) {
  const Row* row = find(error);
  return row && row->retriable;
}

}  // namespace penstock::kafka
