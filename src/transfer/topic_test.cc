// SPDX-License-Identifier: Apache-2.0
// What moving a topic decides.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "client/moved_offset.h"
#include "transfer/offset_translation.h"
#include "transfer/record.h"
#include "transfer/topic_plan.h"

namespace penstock::transfer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The target's offsets of the source's, both with gaps.
TEST(OffsetTranslation, MeansTheSameNextRecord) {
  OffsetTranslation places({0, 5, 6, 7, 8, 20, 21, 5});
  for (const std::int64_t offset : {5, 7, 20}) places.source(offset);
  places.source_end();
  for (const std::int64_t offset : {100, 101, 103}) places.target(offset);
  places.target_end(110);
  EXPECT_EQ(places.translate(0), 100);
  EXPECT_EQ(places.translate(5), 100);
  EXPECT_EQ(places.translate(6), 101);
  EXPECT_EQ(places.translate(7), 101);
  EXPECT_EQ(places.translate(8), 103);
  EXPECT_EQ(places.translate(20), 103);
  EXPECT_EQ(places.translate(21), 110);
}

TEST(OffsetTranslation, OfAnEmptyPartitionIsItsEnd) {
  OffsetTranslation places({7});
  places.source_end();
  places.target_end(3);
  EXPECT_EQ(places.translate(7), 3);
}

TEST(RecordBytes, TellAbsentFromEmptyAndFieldsFromEachOther) {
  const kafka::RecordHeader header{"h", "v"};
  const kafka::RecordHeader null_header{"h", std::nullopt};
  const std::vector<Record> all{
      {0, 1, "a", "b", {}},
      {0, 2, "a", "b", {}},
      {0, 1, "ab", "", {}},
      {0, 1, "ab", std::nullopt, {}},
      {0, 1, std::nullopt, "ab", {}},
      {0, 1, "a", "b", {&header, 1}},
      {0, 1, "a", "b", {&null_header, 1}},
  };
  std::set<Bytes> different;
  for (const Record& record : all) {
    Bytes bytes;
    canonical(record, bytes);
    different.insert(bytes);
    Bytes elsewhere;
    Record moved = record;
    moved.offset = 77;
    canonical(moved, elsewhere);
    EXPECT_EQ(elsewhere, bytes);
  }
  EXPECT_EQ(different.size(), all.size());
}

SourceTopic topic_at(std::vector<client::Watermarks> marks) {
  return {"cluster", "events", std::move(marks)};
}

class ResumeExport : public ::testing::Test {
 protected:
  Manifest manifest_ = begin_export(topic_at({{10, 100}, {5, 5}}), {});
  TopicExport& topic_ = std::get<TopicExport>(manifest_.of);
};

TEST_F(ResumeExport, GoesOnWhereItWas) {
  EXPECT_FALSE(topic_.partitions[0].complete);
  EXPECT_TRUE(topic_.partitions[1].complete);
  topic_.partitions[0].next_offset = 50;
  const auto notes = resume_export(topic_, "cluster", topic_at({{40, 120}, {5, 9}}));
  ASSERT_TRUE(notes);
  EXPECT_THAT(*notes, IsEmpty());
  EXPECT_EQ(topic_.partitions[0].next_offset, 50);
  EXPECT_EQ(topic_.partitions[0].end_offset, 100);
}

TEST_F(ResumeExport, TellsOfRecordsThatWentAway) {
  topic_.partitions[0].next_offset = 50;
  const auto notes = resume_export(topic_, "cluster", topic_at({{60, 120}, {5, 9}}));
  ASSERT_TRUE(notes);
  EXPECT_THAT(*notes, ElementsAre(HasSubstr("events[0]: offsets 50 to 59 are gone")));
  EXPECT_EQ(topic_.partitions[0].next_offset, 60);
  ASSERT_TRUE(resume_export(topic_, "cluster", topic_at({{110, 120}, {5, 9}})));
  EXPECT_TRUE(topic_.partitions[0].complete);
}

TEST_F(ResumeExport, OfAnotherTopicIsRefused) {
  const auto refused = [&](const std::string& cluster, const SourceTopic& now) {
    return resume_export(topic_, cluster, now).error().message;
  };
  EXPECT_THAT(refused("other", topic_at({{10, 100}, {5, 5}})), HasSubstr("cluster"));
  EXPECT_THAT(refused("cluster", topic_at({{10, 100}})), HasSubstr("1 now"));
  EXPECT_THAT(refused("cluster", topic_at({{0, 99}, {5, 5}})), HasSubstr("created"));
  SourceTopic other = topic_at({{10, 100}, {5, 5}});
  other.name = "letters";
  EXPECT_THAT(refused("cluster", other), HasSubstr("not of letters"));
}

TEST(CheckBeginning, TakesAPrefixAndNothingElse) {
  EXPECT_TRUE(check_beginning("t", 0, {}, {}, 10));
  EXPECT_TRUE(check_beginning("t", 0, {4, 77}, {4, 77}, 10));
  EXPECT_THAT(check_beginning("t", 0, {4, 78}, {4, 77}, 10).error().message,
              HasSubstr("not the first 4"));
  EXPECT_THAT(check_beginning("t", 0, {11, 77}, {}, 10).error().message, HasSubstr("more than"));
}

TEST(CheckCopy, SaysWhatDiffers) {
  EXPECT_TRUE(check_copy("t", 0, {4, 77}, {4, 77}));
  EXPECT_THAT(check_copy("t", 0, {4, 78}, {4, 77}).error().message, HasSubstr("timestamps"));
  EXPECT_THAT(check_copy("t", 0, {3, 77}, {4, 77}).error().message, HasSubstr("retention"));
}

TEST(ConfigsOfCopy, LeaveOutWhatSpeaksOfTheOldCluster) {
  TopicExport topic;
  topic.configs = {{"retention.ms", "5"},
                   {"message.timestamp.type", "LogAppendTime"},
                   {"leader.replication.throttled.replicas", "0:1"}};
  EXPECT_THAT(configs_of_copy(topic), ElementsAre(std::pair("retention.ms", "5")));
}

TEST(DecideOffset, NeverTakesAGroupBackThatHasReadOn) {
  const auto there = [](std::int64_t offset, std::string metadata) {
    return client::TopicPartitionOffset{"t", 0, offset, std::move(metadata)};
  };
  EXPECT_EQ(decide_offset(7, there(client::kOffsetNone, "")), OffsetMove::Commit);
  EXPECT_EQ(decide_offset(7, there(7, "penstock:3")), OffsetMove::Same);
  EXPECT_EQ(decide_offset(7, there(9, "penstock:3")), OffsetMove::Leave);
  EXPECT_EQ(decide_offset(7, there(3, client::moved_metadata(12))), OffsetMove::Commit);
}

TEST(MetadataOfCopy, KeepsWhatOthersWroteAndReplacesOurs) {
  EXPECT_EQ(metadata_of_copy({"g", 0, 12, "AgAAAX"}), "AgAAAX");
  EXPECT_EQ(client::moved_from(metadata_of_copy({"g", 0, 12, "penstock:3"})), 12);
  EXPECT_EQ(client::moved_from(metadata_of_copy({"g", 0, 12, ""})), 12);
  EXPECT_FALSE(client::moved_from("penstock:3"));
  EXPECT_FALSE(client::moved_from("penstock-moved:3x"));
}

}  // namespace
}  // namespace penstock::transfer
