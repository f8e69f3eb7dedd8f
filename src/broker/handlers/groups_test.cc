// SPDX-License-Identifier: Apache-2.0
// The group APIs over the wire, and what __consumer_offsets keeps of them. The rules of groups are
// tested by transcripts.
#include "broker/node_fixture.h"
#include "broker/offsets_records.h"
#include "wire/kafka/messages/delete_groups.h"
#include "wire/kafka/messages/delete_topics.h"
#include "wire/kafka/messages/describe_groups.h"
#include "wire/kafka/messages/heartbeat.h"
#include "wire/kafka/messages/join_group.h"
#include "wire/kafka/messages/leave_group.h"
#include "wire/kafka/messages/list_groups.h"
#include "wire/kafka/messages/offset_commit.h"
#include "wire/kafka/messages/offset_fetch.h"
#include "wire/kafka/messages/sync_group.h"

namespace penstock::broker {
namespace {

using namespace std::chrono_literals;

class Groups : public NodeFixture {
 protected:
  void SetUp() override {
    NodeFixture::SetUp();
    client().create("users", 2);
  }

  struct Membership {
    MemberId member;
    Generation generation;
  };
  // One member alone, joined and synced.
  Membership join_alone(TestClient& c, std::optional<InstanceId> instance = {}) {
    kafka::JoinGroupRequest join;
    join.group = GroupId("g");
    join.session_timeout_ms = 10'000;
    join.rebalance_timeout_ms = 60'000;
    join.protocol_type = "consumer";
    join.protocols = {{"range", "meta"}};
    join.instance = instance;
    auto joined = c.ask(9, join);
    if (joined.error == KafkaError::MemberIdRequired) {
      join.member = joined.member;
      joined = c.ask(9, join);
    }
    EXPECT_EQ(joined.error, KafkaError::None);
    EXPECT_EQ(joined.leader, joined.member);
    EXPECT_EQ(joined.members.size(), 1U);
    kafka::SyncGroupRequest sync;
    sync.group = join.group;
    sync.generation = joined.generation;
    sync.member = joined.member;
    sync.instance = instance;
    sync.protocol_type = "consumer";
    sync.protocol_name = "range";
    sync.assignments = {{joined.member, "all of it"}};
    const auto synced = c.ask(5, sync);
    EXPECT_EQ(synced.error, KafkaError::None);
    EXPECT_EQ(synced.assignment, "all of it");
    return {joined.member, joined.generation};
  }
  static kafka::OffsetCommitRequest commit_request(std::int64_t offset,
                                                   const Membership& by = {MemberId(),
                                                                           Generation(-1)}) {
    kafka::OffsetCommitRequest commit;
    commit.group = GroupId("g");
    commit.member = by.member;
    commit.generation = by.generation;
    commit.topics = {
        {TopicName("users"), {{PartitionId(0), Offset(offset), LeaderEpoch(0), -1, "note"}}}};
    return commit;
  }
  KafkaError commit(std::int64_t offset, const Membership& by = {MemberId(), Generation(-1)}) {
    return client().ask(8, commit_request(offset, by)).topics.at(0).partitions.at(0).error;
  }
  std::int64_t committed() {
    kafka::OffsetFetchRequest fetch;
    fetch.groups = {{GroupId("g"), std::vector<kafka::OffsetFetchRequest::Group::Topic>{
                                       {TopicName("users"), {PartitionId(0)}}}}};
    return client().ask(8, fetch).groups.at(0).topics.at(0).partitions.at(0).offset.value();
  }
  std::string state() {
    kafka::DescribeGroupsRequest describe;
    describe.groups = {GroupId("g")};
    return client().ask(5, describe).groups.at(0).state;
  }
};

TEST_F(Groups, CommitIsAnsweredWhenItIsOnDiskAndSurvivesAPowerCut) {
  EXPECT_EQ(commit(1), KafkaError::None);
  EXPECT_EQ(committed(), 1);
  auto& c = client();
  hold_disk = true;
  c.send(8, commit_request(2));
  EXPECT_FALSE(c.answered());
  EXPECT_EQ(committed(), 1);
  release_disk();
  EXPECT_TRUE(c.answered());
  EXPECT_EQ(committed(), 2);

  hold_disk = true;
  client().send(8, commit_request(3));
  crash();
  EXPECT_EQ(committed(), 2);
  restart_cleanly();
  EXPECT_EQ(committed(), 2);
}

TEST_F(Groups, MembersAndTheirAssignmentsSurviveARestart) {
  const Membership membership = join_alone(client());
  EXPECT_EQ(state(), "Stable");
  EXPECT_EQ(commit(5, membership), KafkaError::None);
  crash();
  EXPECT_EQ(state(), "Stable");
  kafka::HeartbeatRequest heartbeat{GroupId("g"), membership.generation, membership.member, {}};
  EXPECT_EQ(client().ask(4, heartbeat).error, KafkaError::None);
  EXPECT_EQ(commit(6, membership), KafkaError::None);
  loop.advance(11s);
  EXPECT_EQ(state(), "Empty");
  EXPECT_EQ(client().ask(4, heartbeat).error, KafkaError::UnknownMemberId);
  EXPECT_EQ(committed(), 6);
}

TEST_F(Groups, JoinWaitsForTheOtherMemberAndLeaveEndsTheGroup) {
  auto& first = client();
  const Membership membership = join_alone(first);
  auto& second = client();
  kafka::JoinGroupRequest join;
  join.group = GroupId("g");
  join.session_timeout_ms = 10'000;
  join.rebalance_timeout_ms = 60'000;
  join.protocol_type = "consumer";
  join.protocols = {{"range", "meta2"}};
  second.send(2, join);  // v2: no id is required first
  EXPECT_FALSE(second.answered());
  kafka::HeartbeatRequest heartbeat{GroupId("g"), membership.generation, membership.member, {}};
  EXPECT_EQ(first.ask(1, heartbeat).error, KafkaError::RebalanceInProgress);
  kafka::LeaveGroupRequest leave;
  leave.group = GroupId("g");
  leave.member = membership.member;
  EXPECT_EQ(first.ask(1, leave).error, KafkaError::None);
  const auto joined = second.receive<kafka::JoinGroupRequest>(2);
  EXPECT_EQ(joined.error, KafkaError::None);
  EXPECT_EQ(joined.generation, membership.generation + 1);

  leave.member = MemberId();
  leave.members = {{joined.member, std::nullopt, std::nullopt},
                   {MemberId("ghost"), std::nullopt, std::nullopt}};
  const auto left = first.ask(5, leave);
  EXPECT_EQ(left.members.at(0).error, KafkaError::None);
  EXPECT_EQ(left.members.at(1).error, KafkaError::UnknownMemberId);
  EXPECT_EQ(state(), "Empty");
}

TEST_F(Groups, FetchOfNothingCommittedIsNoErrorInAnyVersion) {
  EXPECT_EQ(committed(), -1);
  for (std::int16_t version = 1; version <= 7; ++version) {
    kafka::OffsetFetchRequest fetch;
    fetch.group = GroupId("g");
    fetch.topics = {{TopicName("users"), {PartitionId(0)}}};
    const auto partition = client().ask(version, fetch).topics.at(0).partitions.at(0);
    EXPECT_EQ(partition.offset, Offset(-1));
    EXPECT_EQ(partition.error, KafkaError::None);
  }
  EXPECT_EQ(commit(4), KafkaError::None);
  kafka::OffsetFetchRequest all;
  all.group = GroupId("g");
  const auto topics = client().ask(7, all).topics;
  ASSERT_EQ(topics.size(), 1U);
  EXPECT_EQ(topics[0].partitions.at(0).offset, Offset(4));
  EXPECT_EQ(topics[0].partitions[0].metadata, "note");
}

TEST_F(Groups, CommitForAMissingPartitionIsRefusedAlone) {
  auto request = commit_request(1);
  request.topics[0].partitions.push_back(
      {PartitionId(9), Offset(1), LeaderEpoch(-1), -1, std::nullopt});
  const auto partitions = client().ask(8, request).topics.at(0).partitions;
  EXPECT_EQ(partitions.at(0).error, KafkaError::None);
  EXPECT_EQ(partitions.at(1).error, KafkaError::UnknownTopicOrPartition);
}

TEST_F(Groups, DeletedTopicTakesItsOffsetsAlong) {
  EXPECT_EQ(commit(4), KafkaError::None);
  kafka::DeleteTopicsRequest request;
  request.topic_names = {TopicName("users")};
  client().ask(5, request);
  EXPECT_EQ(committed(), -1);
  crash();
  EXPECT_EQ(committed(), -1);
}

TEST_F(Groups, DeletedGroupIsGoneForGood) {
  const Membership membership = join_alone(client());
  kafka::DeleteGroupsRequest request;
  request.groups = {GroupId("g"), GroupId("missing")};
  auto results = client().ask(2, request).groups;
  EXPECT_EQ(results.at(0).error, KafkaError::NonEmptyGroup);
  EXPECT_EQ(results.at(1).error, KafkaError::GroupIdNotFound);
  loop.advance(11s);
  EXPECT_EQ(client().ask(2, request).groups.at(0).error, KafkaError::None);
  crash();
  EXPECT_EQ(state(), "Dead");
  EXPECT_TRUE(client().ask(4, kafka::ListGroupsRequest{}).groups.empty());
  static_cast<void>(membership);
}

TEST_F(Groups, CommitThatCannotBeWrittenIsNotSeen) {
  EXPECT_EQ(commit(1), KafkaError::None);
  disk.set_capacity(1);
  EXPECT_EQ(commit(2), KafkaError::NotCoordinator);
  EXPECT_EQ(committed(), 1);
  disk.set_capacity(1 << 30);
  EXPECT_EQ(commit(3), KafkaError::None);
}

class LargeOffsetsTopic : public Groups {
 protected:
  LargeOffsetsTopic() { config.offsets_topic_rewrite_bytes = 10'000; }
};

TEST_F(LargeOffsetsTopic, IsRewrittenAtStartToWhatIsLive) {
  join_alone(client(), InstanceId("one"));
  loop.advance(11s);  // the group is empty again
  for (int i = 0; i < 200; ++i) ASSERT_EQ(commit(i), KafkaError::None);
  const auto log =
      node->logs()
          .partition(TopicName("__consumer_offsets"), PartitionId((java_hash("g") & INT32_MAX) % 2))
          .value();
  const auto bytes_before = log->bytes();
  EXPECT_GT(bytes_before, 10'000U);
  crash();
  const auto rewritten =
      node->logs()
          .partition(TopicName("__consumer_offsets"), PartitionId((java_hash("g") & INT32_MAX) % 2))
          .value();
  EXPECT_LT(rewritten->bytes(), bytes_before / 4);
  EXPECT_GT(rewritten->log_start_offset(), Offset(0));
  EXPECT_EQ(committed(), 199);
  EXPECT_EQ(state(), "Empty");
  crash();
  EXPECT_EQ(committed(), 199);
  EXPECT_EQ(commit(200), KafkaError::None);
}

TEST(OffsetsRecords, AreKafkasBytes) {
  using namespace std::string_literals;
  const OffsetRecord offset{GroupId("g"),
                            {TopicName("users"), PartitionId(3)},
                            CommittedOffset{Offset(7), LeaderEpoch(2), "m", 1000}};
  const auto encoded = encode_record(offset).value();
  EXPECT_EQ(encoded.key, "\0\1\0\1g\0\5users\0\0\0\3"s);
  EXPECT_EQ(encoded.value, "\0\3\0\0\0\0\0\0\0\7\0\0\0\2\0\1m\0\0\0\0\0\0\3\xe8"s);
  EXPECT_EQ(decode_record(encoded.key, *encoded.value).value(), CoordinatorRecord(offset));
  const OffsetRecord tombstone{offset.group, offset.partition, std::nullopt};
  EXPECT_EQ(decode_record(encoded.key, std::nullopt).value(), CoordinatorRecord(tombstone));
}

TEST(OffsetsRecords, GroupGoesRoundAndEveryCutIsRefused) {
  GroupSnapshot snapshot{.protocol_type = "consumer",
                         .generation = Generation(4),
                         .protocol = "range",
                         .leader = MemberId("a-1"),
                         .state_millis = 99,
                         .members = {}};
  snapshot.members.push_back({MemberId("a-1"), InstanceId("one"), "a", "/127.0.0.1", Millis(60'000),
                              Millis(10'000), "sub", "asg"});
  snapshot.members.push_back(
      {MemberId("b-2"), std::nullopt, "b", "/127.0.0.1", Millis(60'000), Millis(10'000), "", ""});
  const GroupRecord record{GroupId("g"), snapshot};
  const auto encoded = encode_record(record).value();
  EXPECT_EQ(decode_record(encoded.key, *encoded.value).value(), CoordinatorRecord(record));
  for (std::size_t cut = 0; cut < encoded.value->size(); ++cut) {
    const auto exact = std::make_unique<char[]>(cut);
    std::copy_n(encoded.value->data(), cut, exact.get());
    EXPECT_FALSE(decode_record(encoded.key, BytesView(exact.get(), cut))) << cut;
  }
  EXPECT_FALSE(encode_record(GroupRecord{GroupId(std::string(40'000, 'x')), std::nullopt}));
  EXPECT_EQ(decode_record(std::string("\0\x63\0\0", 4), "?").value(), std::nullopt);
}

TEST(JavaHash, IsThatOfJavasStrings) {
  EXPECT_EQ(java_hash(""), 0);
  EXPECT_EQ(java_hash("hello"), 99162322);
  EXPECT_EQ(java_hash("polygenelubricants"), INT32_MIN);
  EXPECT_EQ(java_hash("\xc3\xa9"), 233);
  EXPECT_EQ(java_hash("\xf0\x9f\x98\x80"), 0xd83d * 31 + 0xde00);
}

}  // namespace
}  // namespace penstock::broker
