// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "stream/pipeline.h"

namespace penstock::stream {
namespace {

constexpr std::string_view kUsers = R"(pipeline: users
source:
  kafka: {topics: [users_data], group: users, start: earliest}
decode: json
schema: |
  id text NOT NULL, first_name text, last_name text, gender text, address text, post_code text,
  email text, username text, registered_date text, phone text, picture text
transform:
  - where: "id <> ''"
on_error: {decode: dlq, missing_required: dlq, convert: dlq}
dlq: {kafka: {topic: users_data.dlq}}
trigger: {interval: 500ms, max_rows: 200000}
sinks:
  - cassandra: {keyspace: spark_streams, table: created_users, primary_key: [id], create_if_missing: true}
  - console: {rows: 20, truncate: 20}
)";

ParsedPipeline parse(std::string_view yaml) {
  return parse_pipeline(yaml, "p.yaml", [](const std::string& name) -> std::optional<std::string> {
    if (name == "TOPIC") return "users_data";
    return std::nullopt;
  });
}

std::string problems(std::string_view yaml) {
  std::string out;
  for (const Problem& problem : parse(yaml).problems) out += problem.text() + "\n";
  return out;
}

std::string replaced(std::string_view what, std::string_view with) {
  std::string out(kUsers);
  const std::size_t at = out.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return out.replace(at, what.size(), with);
}

TEST(PipelineYaml, ReadsThePipelineOfTheStack) {
  const ParsedPipeline parsed = parse(kUsers);
  ASSERT_TRUE(parsed.spec) << problems(kUsers);
  EXPECT_TRUE(parsed.problems.empty());
  const PipelineSpec& spec = *parsed.spec;
  EXPECT_EQ(spec.name, "users");
  EXPECT_EQ(spec.source.topics, std::vector<std::string>{"users_data"});
  EXPECT_EQ(spec.source.group, "users");
  EXPECT_EQ(spec.schema.size(), 11U);
  EXPECT_TRUE(spec.schema[0].not_null);
  EXPECT_EQ(spec.transform.size(), 1U);
  EXPECT_EQ(spec.on_error.at(Reason::SinkPermanent), Action::Dlq);
  EXPECT_EQ(spec.dlq.topic, "users_data.dlq");
  EXPECT_EQ(spec.trigger.interval, Millis(500));
  EXPECT_EQ(spec.trigger.max_rows, 200'000U);
  ASSERT_NE(spec.cassandra(), nullptr);
  EXPECT_EQ(spec.cassandra()->table, "created_users");
  EXPECT_EQ(spec.sinks.size(), 2U);
}

TEST(PipelineYaml, ReportsEveryProblemWithPlaceAndSuggestion) {
  std::string yaml =
      replaced("topics: [users_data], group: users", "topcis: [users_data], group: users");
  yaml.replace(yaml.find("\"id <> ''\""), 10, "\"idd <> ''\"");
  yaml.replace(yaml.find("interval: 500ms"), 15, "interval: fast ");
  yaml.replace(yaml.find("create_if_missing"), 17, "create_if_mising ");
  EXPECT_EQ(problems(yaml),
            "p.yaml:3:10: error: source.kafka.topics is missing or empty\n"
            "p.yaml:3:11: error: unknown key topcis in source.kafka; did you mean topics?\n"
            "p.yaml:9:13: error: unknown column idd; did you mean id?\n"
            "p.yaml:12:21: error: 'fast' is not a duration; write a number and a unit, as in "
            "500ms, 10s, 5m or 1h\n"
            "p.yaml:14:83: error: unknown key create_if_mising in sinks.cassandra; did you mean "
            "create_if_missing?\n");
}

TEST(PipelineYaml, ErrorsInsideABlockOfSqlHaveTheirRealPlace) {
  EXPECT_EQ(problems(replaced("username text", "username txet")).substr(0, 50),
            "p.yaml:7:24: error: type txet is not one of text, ");
}

TEST(PipelineYaml, SparksOptionNamesAreAliasesAndSaidSo) {
  const std::string yaml =
      replaced("topics: [users_data], group: users, start: earliest",
               "subscribe: users_data, startingOffsets: latest, maxOffsetsPerTrigger: 5000, "
               "failOnDataLoss: false, kafka.bootstrap.servers: \"a:1,b:2\"");
  const ParsedPipeline parsed =
      parse(replaced("trigger: {interval: 500ms, max_rows: 200000}\n", ""));
  EXPECT_TRUE(parsed.spec);
  const ParsedPipeline spark = parse(yaml);
  ASSERT_TRUE(spark.spec) << problems(yaml);
  EXPECT_EQ(spark.spec->source.bootstrap_servers, "a:1,b:2");
  EXPECT_EQ(spark.spec->source.start, StartAt::Latest);
  EXPECT_FALSE(spark.spec->source.fail_on_data_loss);
  ASSERT_EQ(spark.problems.size(), 5U);
  EXPECT_EQ(spark.problems[0].text(), "p.yaml:3:11: info: subscribe is read as topics");
}

TEST(PipelineYaml, EnvironmentVariablesAreReplacedAndMissed) {
  EXPECT_EQ(parse(replaced("[users_data]", "[\"${TOPIC}\"]")).spec->source.topics[0], "users_data");
  EXPECT_EQ(parse(replaced("[users_data]", "[\"${NOPE:-other}\"]")).spec->source.topics[0],
            "other");
  EXPECT_EQ(problems(replaced("group: users", "group: \"${NOPE}\"")),
            "p.yaml:3:40: error: environment variable NOPE is not set; set it, or write "
            "${NOPE:-default}\n");
}

TEST(PipelineYaml, TriggersInAllTheirForms) {
  const auto kind = [](std::string_view trigger) {
    const auto parsed = parse(replaced("trigger: {interval: 500ms, max_rows: 200000}", trigger));
    return parsed.spec ? static_cast<int>(parsed.spec->trigger.kind) : -1;
  };
  EXPECT_EQ(kind("trigger: asap"), static_cast<int>(Trigger::Kind::Asap));
  EXPECT_EQ(kind("trigger: {interval: 0}"), static_cast<int>(Trigger::Kind::Asap));
  EXPECT_EQ(kind("trigger: available_now"), static_cast<int>(Trigger::Kind::AvailableNow));
  EXPECT_EQ(kind("trigger: {available_now: true}"), static_cast<int>(Trigger::Kind::AvailableNow));
  EXPECT_EQ(kind("trigger: {processingTime: \"1 second\"}"),
            static_cast<int>(Trigger::Kind::Interval));
  EXPECT_EQ(kind("trigger: soon"), -1);
}

TEST(PipelineYaml, WhatDoesNotFitTogetherIsRefused) {
  EXPECT_EQ(problems(replaced("primary_key: [id]", "primary_key: [idd]")),
            "p.yaml:14:77: error: primary_key names idd, which is not a column of the output; did "
            "you mean id?\n");
  EXPECT_EQ(problems(replaced("users_data.dlq", "users_data")),
            "p.yaml:11:14: error: the dlq topic users_data is also a source topic\n");
  EXPECT_EQ(problems(replaced("decode: dlq", "decode: nul")),
            "p.yaml:10:20: error: on_error.decode must be one of fail, drop, dlq, not 'nul'\n");
  EXPECT_EQ(problems(replaced("\"id <> ''\"", "lower(id)")),
            "p.yaml:9:12: error: where must be a condition; this is text\n");
  EXPECT_EQ(problems(replaced("decode: json", "decode: avro")),
            "p.yaml:4:9: error: decode: avro is not supported; this version decodes json\n");
}

TEST(PipelineYaml, WhatIsNoYamlSaysWhere) {
  EXPECT_EQ(problems("pipeline: [a").substr(0, 9), "p.yaml:1:");
  EXPECT_EQ(problems(std::string(100, '[')), "p.yaml: error: the file is nested too deeply\n");
  EXPECT_EQ(problems(""), "p.yaml:1:1: error: the file is empty\n");
  // yaml-cpp's LoadAll() would never come back from this one.
  EXPECT_EQ(problems(",Ua:"),
            "p.yaml:1:1: error: here begins what does not belong to the document before; a file "
            "holds one\n");
  EXPECT_EQ(problems("pipeline: a\n---\npipeline: b\n").substr(0, 11), "p.yaml:2:1:");
  EXPECT_NE(problems("- a\n- b\n").find("the pipeline must be a mapping"), std::string::npos);
}

TEST(Units, DurationsAndSizes) {
  EXPECT_EQ(*parse_duration("1.5s"), Millis(1500));
  EXPECT_EQ(*parse_duration("2 minutes"), Millis(120'000));
  EXPECT_FALSE(parse_duration("10"));
  EXPECT_FALSE(parse_duration("-1s"));
  EXPECT_EQ(*parse_bytes("64KiB"), 65'536U);
  EXPECT_EQ(*parse_bytes("1 MB"), 1'000'000U);
  EXPECT_EQ(*parse_bytes("77"), 77U);
  EXPECT_FALSE(parse_bytes("lots"));
}

TEST(PipelineYaml, AWorkersNameIsWhatABrokerTakes) {
  const auto named =
      parse(replaced("group: users", "group: users, group_instance: \"${TOPIC}-7.a\""));
  ASSERT_TRUE(named.spec);
  EXPECT_EQ(named.spec->source.group_instance, "users_data-7.a");
  EXPECT_NE(problems(replaced("group: users", "group: users, group_instance: a/b"))
                .find("group_instance 'a/b': a worker's name holds"),
            std::string::npos);
  EXPECT_FALSE(is_group_instance(""));
  EXPECT_FALSE(is_group_instance(".."));
  EXPECT_TRUE(is_group_instance(std::string(249, 'x')));
  EXPECT_FALSE(is_group_instance(std::string(250, 'x')));
}

TEST(PipelineYaml, TheHostsNameNeedsNoExport) {
  EXPECT_TRUE(process_environment()("HOSTNAME"));
}

}  // namespace
}  // namespace penstock::stream
