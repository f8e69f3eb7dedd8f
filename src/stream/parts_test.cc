// SPDX-License-Identifier: Apache-2.0
// The small pure parts of the room.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "client/moved_offset.h"
#include "stream/ack_tracker.h"
#include "stream/backoff.h"
#include "stream/bisection.h"
#include "stream/busy_share.h"
#include "stream/checkpoint.h"
#include "stream/compaction.h"
#include "stream/cql_text.h"
#include "stream/dead_letter.h"
#include "stream/generate.h"
#include "stream/json_decoder.h"
#include "stream/kafka_ports.h"
#include "stream/progress.h"
#include "stream/show.h"
#include "stream/write_clock.h"

namespace penstock::stream {
namespace {

TEST(SourceCluster, DeadLettersGoWhereAndAsWhoTheRecordsCameFrom) {
  ConnectionSettings settings;
  settings.bootstrap_servers = "ours:9092";
  settings.kafka_properties = {{"security.protocol", "ssl"}, {"ssl.ca.location", "ca.pem"}};
  PipelineSpec spec;
  spec.source.bootstrap_servers = "theirs:9093";
  spec.source.properties = {
      {"security.protocol", "sasl_ssl"}, {"sasl.username", "ada"}, {"session.timeout.ms", "6000"}};
  const client::KafkaConfig config = source_cluster(spec, settings);
  EXPECT_EQ(config.bootstrap_servers, "theirs:9093");
  EXPECT_EQ(config.properties,
            (std::map<std::string, std::string>{{"security.protocol", "sasl_ssl"},
                                                {"ssl.ca.location", "ca.pem"},
                                                {"sasl.username", "ada"}}));
}

TEST(AckTracker, CommittableIsTheEndOfTheUnbrokenPrefixWhateverTheOrder) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    AckTracker tracker(100);
    std::vector<std::pair<std::uint64_t, std::int64_t>> open;
    std::set<std::int64_t> unfinished;
    std::int64_t end = 100;
    for (int i = 0; i < 40; ++i) {
      if (random() % 2 == 0 || open.empty()) {
        end += 1 + random() % 5;
        open.emplace_back(tracker.begin(end), end);
        unfinished.insert(end);
      } else {
        const std::size_t pick = random() % open.size();
        unfinished.erase(open[pick].second);
        tracker.complete(open[pick].first);
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(pick));
      }
      if (unfinished.empty()) {
        EXPECT_EQ(tracker.committable(), end);
      } else {
        EXPECT_LT(tracker.committable(), *unfinished.begin());
      }
    }
    while (!open.empty()) {
      tracker.complete(open.back().first);
      open.pop_back();
    }
    EXPECT_EQ(tracker.committable(), end);
    EXPECT_EQ(tracker.open(), 0U);
  }
}

TEST(Bisection, FindsExactlyTheBadRowsAndWritesTheOthers) {
  std::mt19937 random(4);
  for (int round = 0; round < 100; ++round) {
    const std::size_t rows = 1 + random() % 200;
    std::set<std::size_t> bad;
    for (std::size_t i = 0; i < random() % 5; ++i) bad.insert(random() % rows);
    Bisection bisection(rows);
    std::set<std::size_t> found;
    std::size_t written = 0;
    while (const auto segment = bisection.next()) {
      const auto first_bad = bad.lower_bound(segment->first);
      if (first_bad == bad.end() || *first_bad >= segment->second) {
        written += segment->second - segment->first;
        bisection.accepted();
      } else if (bisection.refused()) {
        found.insert(segment->first);
      }
    }
    EXPECT_EQ(found, bad);
    EXPECT_EQ(written, rows - bad.size());
  }
}

TEST(WriteClock, RisesWithEveryRecordAndRepeatsItselfFromTheSameState) {
  const std::vector<std::int64_t> millis{5, 5, 5, 4, 6, -1, 6, 1'000'000'000'000, 7};
  WriteClock clock;
  std::vector<std::int64_t> first;
  for (const std::int64_t ms : millis) first.push_back(clock.next(ms, 1000));
  EXPECT_TRUE(std::is_sorted(first.begin(), first.end(), std::less_equal<>()));
  EXPECT_EQ(first[0], 5000);
  EXPECT_EQ(first[1], 5001);
  EXPECT_EQ(first[4], 6000);
  EXPECT_LT(first.back(), 2'000'000) << "a far future time must not stick";
  WriteClock again(first[3]);
  for (std::size_t i = 4; i < millis.size(); ++i) EXPECT_EQ(again.next(millis[i], 1000), first[i]);
}

sql::Column text_column(const std::vector<const char*>& values) {
  sql::Column column(sql::Type::Text);
  for (const char* value : values) {
    if (value == nullptr) {
      column.append_without_value(sql::Cell::Unset);
    } else {
      column.append_bytes(value);
    }
  }
  return column;
}

TEST(Compaction, KeepsTheNewestRowOfAKeyAndItsPlace) {
  std::vector<sql::Column> columns;
  columns.push_back(text_column({"a", "b", "a", "c", "b"}));
  columns.push_back(text_column({"1", "2", "3", "4", "5"}));
  const std::vector<std::int64_t> timestamps{10, 50, 30, 40, 20};
  EXPECT_EQ(newest_per_key(columns, {0}, {0, 1, 2, 3, 4}, timestamps), (sql::Selection{1, 2, 3}));
  EXPECT_EQ(newest_per_key(columns, {0, 1}, {0, 1, 2, 3, 4}, timestamps),
            (sql::Selection{0, 1, 2, 3, 4}));
}

TEST(Compaction, ARowWithUnsetCellsDoesNotDisplaceAnOlderOne) {
  std::vector<sql::Column> columns;
  columns.push_back(text_column({"a", "a", "a"}));
  columns.push_back(text_column({"1", nullptr, "3"}));
  EXPECT_EQ(newest_per_key(columns, {0}, {0, 1}, std::vector<std::int64_t>{1, 2}),
            (sql::Selection{0, 1}));
  EXPECT_EQ(newest_per_key(columns, {0}, {0, 2}, std::vector<std::int64_t>{1, 2, 3}),
            (sql::Selection{2}));
}

const client::TopicPartition kPartition{"t", 0};
std::string start_of(std::optional<Position> checkpoint, const Committed& group,
                     client::Watermarks marks = {0, 1000}, bool fail_on_loss = true,
                     StartAt start = StartAt::Earliest) {
  KafkaSource source;
  source.fail_on_data_loss = fail_on_loss;
  source.start = start;
  const auto chosen = decide_start(kPartition, checkpoint, group, marks, source);
  if (!chosen) return std::string(name(chosen.error().code));
  return fmt::format("{} clock {}{}", chosen->position.offset, chosen->position.write_clock,
                     chosen->note.empty() ? "" : " noted");
}

TEST(Start, CheckpointWinsOverOurOwnLateGroupCommit) {
  EXPECT_EQ(start_of(Position{70, 9, 3}, {60, commit_metadata(2)}), "70 clock 9");
  EXPECT_EQ(start_of(Position{70, 9, 3}, {}), "70 clock 9 noted");
  EXPECT_EQ(start_of(Position{70, 9, 3}, {70, ""}), "70 clock 9");
  EXPECT_EQ(start_of(Position{70, 9, 3}, {80, commit_metadata(2)}), "80 clock 9 noted");
}
TEST(Start, AnOperatorsResetIsHonouredInBothDirections) {
  EXPECT_EQ(start_of(Position{70, 9, 3}, {10, ""}), "10 clock 0 noted");
  EXPECT_EQ(start_of(Position{70, 9, 3}, {90, "by hand"}), "90 clock 0 noted");
}
TEST(Start, AMovedTopicGoesOnWhereItWasWithItsClock) {
  EXPECT_EQ(start_of(Position{70, 9, 3}, {10, client::moved_metadata(70)}), "10 clock 9 noted");
  EXPECT_EQ(start_of(Position{70, 9, 3}, {10, client::moved_metadata(69)}), "10 clock 0 noted");
  EXPECT_EQ(start_of({}, {10, client::moved_metadata(70)}), "10 clock 0");
}
TEST(Start, WithoutOffsetsThePipelineSaysWhere) {
  EXPECT_EQ(start_of({}, {}, {5, 1000}), "5 clock 0");
  EXPECT_EQ(start_of({}, {}, {5, 1000}, true, StartAt::Latest), "1000 clock 0");
  EXPECT_EQ(start_of({}, {40, ""}), "40 clock 0");
}
TEST(Start, LostRecordsStopThePipelineUnlessToldOtherwise) {
  EXPECT_EQ(start_of(Position{3, 9, 1}, {}, {5, 10}), "out of range");
  EXPECT_EQ(start_of(Position{3, 9, 1}, {}, {5, 10}, false), "5 clock 9 noted");
  EXPECT_EQ(start_of(Position{30, 9, 1}, {}, {0, 10}), "out of range");
  EXPECT_EQ(start_of(Position{30, 9, 1}, {}, {0, 10}, false), "0 clock 0 noted");
}

TEST(Start, ANewTopicBeginsWhereTheGroupWasToldWhateverTheCheckpoint) {
  const Committed anew{0, std::string(kAnew)};
  EXPECT_EQ(start_of(Position{70, 9, 3}, anew), "0 clock 0 noted");
  EXPECT_EQ(start_of(Position{0, 9, 3}, anew), "0 clock 9") << "the first batch has been recorded";
}

TEST(Start, APartitionThatIsShorterThanWasReadShowsANewTopic) {
  const auto shown = [](const Committed& group, std::int64_t end) {
    return new_topics({{{kPartition, {70, 9, 3}}, {{"other", 0}, {70, 9, 3}}},
                       {{kPartition, group}},
                       {{kPartition, {0, end}}, {{"other", 0}, {0, 80}}}});
  };
  EXPECT_EQ(shown({}, 69), std::set<std::string>{"t"});
  EXPECT_EQ(shown({}, 70), std::set<std::string>{}) << "nothing came since";
  EXPECT_EQ(shown({70, commit_metadata(3)}, 69), std::set<std::string>{})
      << "the group's offset would have gone with the topic";
}

Rows rows_of(std::vector<sql::Column> columns) {
  Rows rows;
  for (std::uint32_t i = 0; i < columns[0].size(); ++i) rows.rows.push_back(i);
  rows.columns = std::move(columns);
  return rows;
}

TEST(Show, LooksAsSparkPrintsIt) {
  std::vector<sql::Column> columns;
  columns.push_back(text_column({"user_12345", "寿司", "a\tb"}));
  columns.push_back(text_column({"123 Main Street, London, Greater London", nullptr, "x"}));
  columns.emplace_back(sql::Type::Int);
  columns[2].append_int(7);
  columns[2].append_null();
  columns[2].append_int(-1);
  const sql::Fields fields{{"id", sql::Type::Text, true},
                           {"address", sql::Type::Text, false},
                           {"n", sql::Type::Int, false}};
  const Rows rows = rows_of(std::move(columns));
  EXPECT_EQ(show_batch(3, "", fields, rows, {}),
            "-------------------------------------------\n"
            "Batch: 3\n"
            "-------------------------------------------\n"
            "+----------+--------------------+----+\n"
            "|        id|             address|   n|\n"
            "+----------+--------------------+----+\n"
            "|user_12345|123 Main Street, ...|   7|\n"
            "|      寿司|                NULL|NULL|\n"
            "|      a\\tb|                   x|  -1|\n"
            "+----------+--------------------+----+\n\n");
  EXPECT_EQ(show_batch(0, "users -> ks.t", {fields[0], fields[1], fields[2]}, rows, {1, 0}),
            "users -> ks.t\n"
            "-------------------------------------------\n"
            "Batch: 0\n"
            "-------------------------------------------\n"
            "+----------+---------------------------------------+---+\n"
            "|id        |address                                |n  |\n"
            "+----------+---------------------------------------+---+\n"
            "|user_12345|123 Main Street, London, Greater London|7  |\n"
            "+----------+---------------------------------------+---+\n"
            "only showing top 1 row\n\n");
}

TEST(Show, AnEmptyBatchStillHasItsHeader) {
  std::vector<sql::Column> empty;
  empty.emplace_back(sql::Type::Text);
  EXPECT_EQ(show_batch(1, "", {{"id", sql::Type::Text, true}}, rows_of(std::move(empty)), {}),
            "-------------------------------------------\nBatch: "
            "1\n-------------------------------------------\n"
            "+---+\n| id|\n+---+\n+---+\n\n");
}

TEST(Progress, JsonHasSparksShapeAndLeavesOutUnknownRates) {
  Progress progress;
  progress.name = "users \"x\"";
  progress.started = WallTime(Micros(1'696'161'600'123'000));
  progress.batch_id = 4;
  progress.input_rows = 10;
  progress.processed_rows_per_second = 20;
  progress.duration_ms = {{"addBatch", 12}, {"triggerExecution", 15}};
  progress.source_description = "KafkaV2[Subscribe[users_data]]";
  progress.start_offset["users_data"][0] = 5;
  progress.end_offset["users_data"][0] = 15;
  progress.latest_offset["users_data"][0] = 18;
  progress.sink_description = "spark_streams.created_users";
  progress.output_rows = 9;
  progress.rejected[Reason::Decode] = 1;
  EXPECT_EQ(
      progress.json(),
      R"({"id":"00000000-0000-0000-0000-000000000000","runId":"00000000-0000-0000-0000-000000000000","name":"users \"x\"",)"
      R"("timestamp":"2023-10-01T12:00:00.123Z","batchId":4,"numInputRows":10,"processedRowsPerSecond":20.000,)"
      R"("durationMs":{"addBatch":12,"triggerExecution":15},"stateOperators":[],"sources":[{"description":"KafkaV2[Subscribe[users_data]]",)"
      R"("startOffset":{"users_data":{"0":5}},"endOffset":{"users_data":{"0":15}},"latestOffset":{"users_data":{"0":18}},)"
      R"("numInputRows":10,"processedRowsPerSecond":20.000,"metrics":{"avgOffsetsBehindLatest":"3.0","maxOffsetsBehindLatest":"3","minOffsetsBehindLatest":"3"}}],)"
      R"("sink":{"description":"spark_streams.created_users","numOutputRows":9},"filtered":0,"rejected":{"decode":1},"lag":3})");
}

TEST(Progress, SourceMetricsAreOverAllPartitions) {
  Progress progress;
  progress.end_offset["a"] = {{0, 10}, {1, 20}};
  progress.end_offset["b"] = {{0, 5}};
  progress.latest_offset["a"] = {{0, 11}, {1, 24}};
  progress.latest_offset["b"] = {{0, 5}};
  EXPECT_EQ(progress.lag(), 5);
  EXPECT_NE(progress.json().find(R"("metrics":{"avgOffsetsBehindLatest":"1.66)"),
            std::string::npos);
  EXPECT_NE(progress.json().find(R"("maxOffsetsBehindLatest":"4","minOffsetsBehindLatest":"0"})"),
            std::string::npos);
}

TEST(Backoff, IsAnythingUpToABoundThatDoubles) {
  for (const auto& [attempt, bound] :
       {std::pair(0, Millis(50)), std::pair(1, Millis(100)), std::pair(4, Millis(800)),
        std::pair(7, Millis(5000)), std::pair(1'000'000, Millis(5000))}) {
    Duration least = Duration::max();
    Duration most{0};
    for (int i = 0; i < 1000; ++i) {
      const Duration wait = backoff(attempt);
      least = std::min(least, wait);
      most = std::max(most, wait);
    }
    EXPECT_LE(most, bound) << attempt;
    EXPECT_GT(most, bound / 10 * 9) << attempt;
    EXPECT_LT(least, bound / 10) << attempt << ": the whole range, down to nothing";
  }
}

TEST(BusyShare, CountsWhatIsStillGoingOnOnce) {
  const TimePoint start{};
  const auto at = [&](int seconds) { return start + std::chrono::seconds(seconds); };
  BusyShare share(start);
  share.begin(at(1));
  share.end(at(2));
  share.begin(at(3));
  EXPECT_EQ(share.look(at(4)), 0.5);
  EXPECT_EQ(share.look(at(6)), 1);
  share.end(at(7));
  EXPECT_EQ(share.look(at(10)), 0.25);
  EXPECT_EQ(share.look(at(11)), 0);
}

TEST(DeadLetter, KeepsOriginalHeadersAndAddsConnectsAndOurs) {
  DeadLetter letter;
  letter.record.topic = "users_data";
  letter.record.partition = 2;
  letter.record.offset = 77;
  letter.original_headers = {{"trace", "abc"}, {"empty", std::nullopt}};
  letter.reject = {Reason::Type, "n", "the JSON value is not a int"};
  std::map<std::string, std::optional<std::string>> headers;
  for (auto& [name, value] : dead_letter_headers(letter, "users")) headers[name] = value;
  EXPECT_EQ(headers["trace"], "abc");
  EXPECT_EQ(headers["empty"], std::nullopt);
  EXPECT_EQ(headers["__connect.errors.topic"], "users_data");
  EXPECT_EQ(headers["__connect.errors.partition"], "2");
  EXPECT_EQ(headers["__connect.errors.offset"], "77");
  EXPECT_EQ(headers["__connect.errors.exception.message"], "n: the JSON value is not a int");
  EXPECT_EQ(headers["penstock.reason"], "type");
  EXPECT_EQ(headers["penstock.field"], "n");
  EXPECT_EQ(headers["penstock.pipeline"], "users");
}

TEST(DeadLetter, SaysWhatItLeftOutAndHowLargeThatWas) {
  const std::string value(5000, 'v');
  DeadLetter letter;
  letter.record.topic = "users_data";
  letter.record.key = "key";
  letter.record.value = value;
  letter.original_headers = {{"trace", "abc"}};
  letter.reject = {Reason::Convert, "n", std::string(1000, 'm')};
  const auto headers_of = [&](LetterBody body) {
    letter.body = body;
    std::map<std::string, std::optional<std::string>> headers;
    for (auto& [name, text] : dead_letter_headers(letter, "users")) headers[name] = text;
    return headers;
  };
  EXPECT_FALSE(headers_of(LetterBody::Whole).contains("penstock.left_out"));
  auto cut = headers_of(LetterBody::WithoutValue);
  EXPECT_EQ(cut["penstock.left_out"], "value");
  EXPECT_EQ(cut["penstock.value.bytes"], "5000");
  EXPECT_EQ(cut["trace"], "abc");
  auto least = headers_of(LetterBody::PlaceOnly);
  EXPECT_EQ(least["penstock.left_out"], "value,key,headers");
  EXPECT_EQ(least["penstock.key.bytes"], "3");
  EXPECT_FALSE(least.contains("trace"));
  EXPECT_EQ(least["__connect.errors.offset"], "0");
  EXPECT_LT(least["__connect.errors.exception.message"]->size(), 300U);
}

TEST(CqlText, NamesAreQuotedAndTheFirstKeyColumnPartitions) {
  CassandraSink sink;
  sink.keyspace = "ks";
  sink.table = "t";
  sink.primary_key = {"id", "at"};
  const sql::Fields fields{{"id", sql::Type::Text, true}, {"at", sql::Type::Timestamp, false}};
  EXPECT_EQ(
      create_table_cql(sink, fields),
      R"(CREATE TABLE IF NOT EXISTS "ks"."t" ("id" text, "at" timestamp, PRIMARY KEY ("id", "at")))");
  EXPECT_EQ(insert_cql(sink, fields),
            R"(INSERT INTO "ks"."t" ("id", "at") VALUES (?, ?) USING TIMESTAMP ?)");
}

TEST(PeopleGenerator, SameSeedSamePeopleAllDecodableAndOfTheRightSize) {
  sql::Fields fields;
  for (const char* name : {"id", "first_name", "last_name", "gender", "address", "post_code",
                           "email", "username", "registered_date", "phone", "picture"}) {
    fields.push_back({name, sql::Type::Text, true});
  }
  JsonDecoder decoder(fields, {});
  std::vector<sql::Column> columns;
  for (const sql::Field& field : fields) columns.emplace_back(field.type);
  PeopleGenerator a(7);
  PeopleGenerator b(7);
  PeopleGenerator other(8);
  std::set<std::string> ids;
  Bytes json;
  Bytes same;
  std::size_t bytes = 0;
  for (int i = 0; i < 1000; ++i) {
    a.next(json);
    b.next(same);
    ASSERT_EQ(json, same);
    other.next(same);
    ASSERT_NE(json, same);
    Reject reject;
    ASSERT_TRUE(decoder.decode(json, columns, reject)) << json << reject.message;
    EXPECT_TRUE(ids.insert(a.id()).second);
    bytes += json.size();
  }
  EXPECT_NEAR(static_cast<double>(bytes) / 1000, 370, 15);
}

}  // namespace
}  // namespace penstock::stream
