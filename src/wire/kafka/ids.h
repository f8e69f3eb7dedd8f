// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/named.h"

// The nouns of Kafka's protocol as types, so that an offset cannot be passed where a generation is
// meant.
namespace penstock::kafka {

using Offset = Named<std::int64_t, struct OffsetTag>;
using PartitionId = Named<std::int32_t, struct PartitionIdTag>;
using BrokerId = Named<std::int32_t, struct BrokerIdTag>;
using LeaderEpoch = Named<std::int32_t, struct LeaderEpochTag>;
using TopicName = Named<std::string, struct TopicNameTag>;

using GroupId = Named<std::string, struct GroupIdTag>;
using MemberId = Named<std::string, struct MemberIdTag>;
using InstanceId = Named<std::string, struct InstanceIdTag>;  // group.instance.id (KIP-345)
using Generation = Named<std::int32_t, struct GenerationTag>;

using ProducerId = Named<std::int64_t, struct ProducerIdTag>;
using ProducerEpoch = Named<std::int16_t, struct ProducerEpochTag>;
using Sequence = Named<std::int32_t, struct SequenceTag>;
using TransactionalId = Named<std::string, struct TransactionalIdTag>;

using CorrelationId = Named<std::int32_t, struct CorrelationIdTag>;
using FetchSessionId = Named<std::int32_t, struct FetchSessionIdTag>;

inline constexpr Offset kNoOffset{-1};
inline constexpr PartitionId kNoPartition{-1};
inline constexpr BrokerId kNoBroker{-1};
inline constexpr LeaderEpoch kNoLeaderEpoch{-1};
inline constexpr Generation kNoGeneration{-1};
inline constexpr ProducerId kNoProducerId{-1};
inline constexpr ProducerEpoch kNoProducerEpoch{-1};
inline constexpr Sequence kNoSequence{-1};
inline constexpr std::int64_t kNoTimestamp = -1;

// What `authorized operations` fields hold when nobody asked for them.
inline constexpr std::int32_t kOperationsNotAsked = INT32_MIN;

// What a consumer may see: everything below the high watermark, or only below the last stable
// offset.
enum class IsolationLevel : std::int8_t { ReadUncommitted = 0, ReadCommitted = 1 };

}  // namespace penstock::kafka
