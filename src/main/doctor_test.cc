// SPDX-License-Identifier: Apache-2.0
#include "main/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::main_room {
namespace {

using testing::HasSubstr;
using Grade = Finding::Grade;

TEST(Doctor, KnowsABrokerByItsConfiguration) {
  EXPECT_EQ(kafka_product({{"penstock.version", "0.1.0"}}), "Penstock 0.1.0");
  EXPECT_EQ(kafka_product({{"inter.broker.protocol.version", "3.9-IV0"},
                           {"process.roles", "broker,controller"}}),
            "Apache Kafka 3.9 (KRaft)");
  EXPECT_EQ(kafka_product({{"inter.broker.protocol.version", "3.4-IV0"}, {"process.roles", ""}}),
            "Apache Kafka 3.4 (ZooKeeper)");
  EXPECT_EQ(kafka_product({{"process.roles", "broker"}}), "Apache Kafka 4 or newer (KRaft)");
  EXPECT_EQ(kafka_product({}), "a broker that does not say which");
}

TEST(Doctor, SaysWhatToDoAboutAnAddress) {
  const auto advice = [](Code code, const char* words) {
    return judge_broker("k1:9092", fail(code, "{}", words), "", {}).advice;
  };
  EXPECT_THAT(advice(Code::Unavailable, "k1:9092: Connection refused"),
              HasSubstr("start the server, or correct kafka.bootstrap_servers"));
  EXPECT_THAT(advice(Code::Unavailable, "cannot connect to k1:9092: Host not found"),
              HasSubstr("check the name in kafka.bootstrap_servers"));
  EXPECT_THAT(advice(Code::Unavailable, "SSL handshake failed: ... certificate verify failed"),
              HasSubstr("name its file in kafka.security"));
  EXPECT_THAT(advice(Code::Unauthorized, "SASL authentication error"),
              HasSubstr("user and password in kafka.security"));
  EXPECT_THAT(advice(Code::Timeout, "no answer"), HasSubstr("is it this protocol"));
  EXPECT_THAT(
      judge_contact_point("c1:9042", fail(Code::Unauthorized, "bad credentials"), {}).advice,
      HasSubstr("cassandra.auth"));
}

TEST(Doctor, ATopicThatIsMissingWillBeCreatedAndOneThatIsForbiddenWillNot) {
  SourceTopic facts{.topic = "users",
                    .group = "g",
                    .info = fail(Code::NotFound, "no such topic"),
                    .records = 0,
                    .behind = 0,
                    .read = {}};
  EXPECT_EQ(judge_source(facts).grade, Grade::Note);
  facts.info = fail(Code::Unauthorized, "Topic authorization failed");
  EXPECT_EQ(judge_source(facts).grade, Grade::Bad);
  EXPECT_THAT(judge_source(facts).advice, HasSubstr("READ"));
  facts.info = client::TopicInfo{"users", {{0, 1, {1}, {1}}, {1, -1, {2}, {}}}};
  EXPECT_EQ(judge_source(facts).found, "1 of 2 partitions have no leader");
  facts.info = client::TopicInfo{"users", {{0, 1, {1}, {1}}}};
  facts.records = 10;
  facts.behind = 3;
  EXPECT_EQ(text(judge_source(facts)),
            "ok       topic users: 1 partition, 10 records, group g is 3 behind");
  facts.behind = fail(Code::Unauthorized, "Group authorization failed");
  EXPECT_THAT(judge_source(facts).advice, HasSubstr("READ on the group"));
  facts.behind = fail(Code::Unavailable, "Not coordinator");
  EXPECT_THAT(judge_source(facts).advice, HasSubstr("run doctor again"));
  facts.read = fail(Code::Unauthorized, "Topic authorization failed");
  EXPECT_EQ(judge_source(facts).grade, Grade::Bad);
}

TEST(Doctor, ATableMustBeThereOrWanted) {
  SinkTable table{.table = "ks.t", .create_if_missing = false, .there = false, .fits = {}};
  EXPECT_EQ(judge_table(table).grade, Grade::Bad);
  table.create_if_missing = true;
  EXPECT_EQ(judge_table(table).grade, Grade::Note);
  table.there = true;
  EXPECT_EQ(judge_table(table).grade, Grade::Good);
  table.fits = fail(Code::InvalidArgument, "table ks.t has no column a");
  EXPECT_EQ(judge_table(table).grade, Grade::Bad);
}

TEST(Doctor, NamesTheRightThatIsMissing) {
  const SinkTable there{.table = "ks.t", .create_if_missing = true, .there = true, .fits = {}};
  EXPECT_FALSE(judge_rights(there, "ada", {{"MODIFY", "<all keyspaces>"}}));
  EXPECT_FALSE(judge_rights(there, "ada", {{"MODIFY", "<keyspace ks>"}}));
  EXPECT_FALSE(judge_rights(there, "ada", {{"MODIFY", "<table ks.t>"}}));
  const auto missing =
      judge_rights(there, "ada", {{"SELECT", "<table ks.t>"}, {"MODIFY", "<table ks.u>"}});
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->advice, "as a superuser: GRANT MODIFY ON TABLE ks.t TO ada;");
  SinkTable not_there = there;
  not_there.there = false;
  const auto create = judge_rights(not_there, "ada", {{"MODIFY", "<all keyspaces>"}});
  ASSERT_TRUE(create);
  EXPECT_EQ(create->advice, "as a superuser: GRANT CREATE ON ALL KEYSPACES TO ada;");
}

TEST(Doctor, ADiskThatIsNearlyFullIsAProblemBeforeItIsFull) {
  EXPECT_EQ(judge_disk("d", kDiskRoomLeast).grade, Grade::Good);
  EXPECT_EQ(judge_disk("d", kDiskRoomLeast - 1).grade, Grade::Bad);
}

TEST(Doctor, AdviceStandsOnItsOwnLine) {
  EXPECT_EQ(text({Grade::Bad, "kafka k1:9092", "Connection refused", "start it"}),
            "problem  kafka k1:9092: Connection refused\n         -> start it");
  EXPECT_EQ(text({Grade::Good, "kafka k1:9092", "Penstock", "", std::chrono::microseconds(1250)}),
            "ok       kafka k1:9092: Penstock (1.2 ms)");
}

}  // namespace
}  // namespace penstock::main_room
