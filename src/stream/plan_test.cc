// SPDX-License-Identifier: Apache-2.0
// Plans over rows decoded from JSON: steps in either order, rows that fail, and where each row that
// is left came from.
#include "stream/plan.h"

#include <gtest/gtest.h>

#include "stream/json_decoder.h"

namespace penstock::stream {
namespace {

using sql::Type;

PipelineSpec spec_of(std::string_view schema, std::string_view transform) {
  const auto parsed = parse_pipeline(fmt::format(R"(pipeline: p
source: {{kafka: {{topics: [t]}}}}
schema: {}
transform: [{}]
sinks: [{{console: {{}}}}]
)",
                                                 schema, transform),
                                     "p.yaml", [](const std::string&) { return std::nullopt; });
  for (const Problem& problem : parsed.problems) ADD_FAILURE() << problem.text();
  return parsed.spec.value_or(PipelineSpec{});
}
Plan plan_of(std::string_view schema, std::string_view transform) {
  auto plan = Plan::compile(spec_of(schema, transform));
  EXPECT_TRUE(plan) << plan.error().message;
  return plan.value_or(Plan{});
}

Plan::Outcome run(const Plan& plan, const std::vector<std::string>& records,
                  bool null_on_convert = false) {
  JsonDecoder decoder(plan.input(), {});
  std::vector<sql::Column> columns;
  for (const sql::Field& field : plan.input()) columns.emplace_back(field.type);
  Reject reject;
  for (const std::string& record : records)
    EXPECT_TRUE(decoder.decode(record, columns, reject)) << record << ": " << reject.message;
  return plan.run(std::move(columns), records.size(), null_on_convert);
}

std::string cell(const sql::Column& column, std::uint32_t row) {
  if (!column.has_value(row)) return "-";
  switch (sql::storage(column.type())) {
    case sql::Storage::Int64:
      return std::to_string(column.int_at(row));
    case sql::Storage::Float64:
      return fmt::format("{}", column.double_at(row));
    case sql::Storage::Bytes:
      break;
  }
  return std::string(column.bytes_at(row));
}

// "0: a,1" for each row: the number of its record, then its cells.
std::vector<std::string> rows_of(const Plan::Outcome& outcome) {
  std::vector<std::string> out;
  for (const std::uint32_t row : outcome.rows.rows) {
    out.push_back(fmt::format("{}:", outcome.rows.decoded(row)));
    for (const sql::Column& column : outcome.rows.columns)
      out.back() += (out.back().back() == ':' ? " " : ",") + cell(column, row);
  }
  return out;
}

std::vector<std::uint32_t> failed_of(const Plan::Outcome& outcome) {
  std::vector<std::uint32_t> out;
  for (const FailedRow& failed : outcome.failed) {
    EXPECT_EQ(failed.reject.reason, Reason::Convert);
    EXPECT_NE(failed.reject.message, "");
    out.push_back(failed.decoded);
  }
  return out;
}

using Lines = std::vector<std::string>;
using Numbers = std::vector<std::uint32_t>;

const Lines kFour = {R"({"id":"a","n":"1"})", R"({"id":"b","n":"two"})", R"({"id":"c","n":"3"})",
                     R"({"id":"d"})"};

TEST(Plan, WithoutStepsRowsAreTheirRecords) {
  const Plan plan = plan_of("id text, n text", "");
  EXPECT_EQ(rows_of(run(plan, kFour)), (Lines{"0: a,1", "1: b,two", "2: c,3", "3: d,-"}));
}

TEST(Plan, SelectGivesNewColumnsInItsOrder) {
  const Plan plan = plan_of("id text, n text", R"({select: "upper(id) as name, length(n) as l"})");
  ASSERT_EQ(plan.output().size(), 2U);
  EXPECT_EQ(plan.output()[0], (sql::Field{"name", Type::Text, false}));
  EXPECT_EQ(plan.output()[1].name, "l");
  EXPECT_EQ(rows_of(run(plan, kFour)), (Lines{"0: A,1", "1: B,3", "2: C,1", "3: D,-"}));
}

TEST(Plan, ACastThatFailsTakesItsOwnRowOut) {
  const Plan plan = plan_of("id text, n text", R"({select: "id, cast(n as int) as n"})");
  const auto outcome = run(plan, kFour);
  EXPECT_EQ(rows_of(outcome), (Lines{"0: a,1", "2: c,3", "3: d,-"}));
  EXPECT_EQ(failed_of(outcome), Numbers{1});
  EXPECT_NE(outcome.failed[0].reject.message.find("two"), std::string::npos);
  EXPECT_EQ(outcome.filtered, 0U) << "a failed row is not a filtered one";
}

TEST(Plan, ARowThatFailsInTwoColumnsFailsOnce) {
  const Plan plan =
      plan_of("id text, n text", R"({select: "cast(id as int) as i, cast(n as int) as n"})");
  const auto outcome = run(plan, kFour);
  EXPECT_EQ(rows_of(outcome), Lines{});
  EXPECT_EQ(failed_of(outcome), (Numbers{0, 1, 2, 3}));
}

TEST(Plan, WhereBeforeSelectKeepsTheNumbersOfTheRecords) {
  const Plan plan =
      plan_of("id text, n text", R"({where: "id <> 'a'"}, {select: "cast(n as int) as n, id"})");
  const auto outcome = run(plan, kFour);
  EXPECT_EQ(rows_of(outcome), (Lines{"2: 3,c", "3: -,d"}));
  EXPECT_EQ(failed_of(outcome), Numbers{1});
  EXPECT_EQ(outcome.filtered, 1U);
}

TEST(Plan, WhereAfterSelectSeesTheNewColumnsAndNoFailedRow) {
  const Plan plan =
      plan_of("id text, n text", R"({select: "cast(n as int) as n, id"}, {where: "n >= 2"})");
  const auto outcome = run(plan, kFour);
  EXPECT_EQ(rows_of(outcome), Lines{"2: 3,c"});
  EXPECT_EQ(failed_of(outcome), Numbers{1});
  EXPECT_EQ(outcome.filtered, 2U);
}

TEST(Plan, OriginsSurviveManySteps) {
  const Plan plan =
      plan_of("id text, n text", R"({where: "id <> 'a'"}, {select: "id, coalesce(n, '4') as n"},)"
                                 R"( {where: "id <> 'c'"}, {select: "cast(n as int) + 1 as m"})");
  const auto outcome = run(plan, kFour);
  EXPECT_EQ(rows_of(outcome), Lines{"3: 5"});
  EXPECT_EQ(failed_of(outcome), Numbers{1}) << "of the record, not of the second select's rows";
  EXPECT_EQ(outcome.filtered, 2U);
}

TEST(Plan, OnConvertNullASelectKeepsTheRowAndAWhereCannot) {
  const Plan select = plan_of("id text, n text", R"({select: "id, cast(n as int) as n"})");
  const auto kept = run(select, kFour, true);
  EXPECT_EQ(rows_of(kept), (Lines{"0: a,1", "1: b,-", "2: c,3", "3: d,-"}));
  EXPECT_EQ(failed_of(kept), Numbers{});
  const Plan where = plan_of("id text, n text", R"({where: "cast(n as int) > 1"})");
  const auto filtered = run(where, kFour, true);
  EXPECT_EQ(rows_of(filtered), Lines{"2: c,3"});
  EXPECT_EQ(failed_of(filtered), Numbers{1});
  EXPECT_EQ(filtered.filtered, 2U);
}

TEST(Plan, TextBecomesTheTablesTypes) {
  Plan plan = plan_of("a text, b text, c text, d text, e text, f text", "");
  ASSERT_TRUE(plan.convert_output(
      {Type::Text, Type::Int, Type::Timestamp, Type::Boolean, Type::Double, Type::Date}));
  EXPECT_EQ(plan.output()[2].type, Type::Timestamp);
  const auto outcome = run(
      plan,
      {R"({"a":"x","b":"-7","c":"1970-01-01T00:00:01.5Z","d":"true","e":"2.5","f":"1970-01-03"})",
       R"({"a":"x","b":"2147483648"})", R"({"c":"yesterday"})", R"({"d":"perhaps"})",
       R"({"f":"1970-02-30"})", R"({})"});
  EXPECT_EQ(rows_of(outcome), (Lines{"0: x,-7,1500,1,2.5,2", "5: -,-,-,-,-,-"}));
  EXPECT_EQ(failed_of(outcome), (Numbers{1, 2, 3, 4}));
}

TEST(Plan, ConversionsAfterASelectFailWithTheRecordsNumber) {
  Plan plan = plan_of("id text, n text", R"({where: "id <> 'a'"}, {select: "n"})");
  ASSERT_TRUE(plan.convert_output({Type::Int}));
  const auto outcome = run(plan, kFour);
  EXPECT_EQ(rows_of(outcome), (Lines{"2: 3", "3: -"}));
  EXPECT_EQ(failed_of(outcome), Numbers{1});
}

TEST(Plan, NumbersMayWidenAndNothingMayNarrow) {
  const auto convert = [](std::string_view from, Type to) {
    Plan plan = plan_of(fmt::format("n {}", from), "");
    return plan.convert_output({to});
  };
  for (const auto& [from, to] :
       {std::pair("tinyint", Type::Smallint), std::pair("int", Type::Bigint),
        std::pair("int", Type::Double), std::pair("float", Type::Double),
        std::pair("bigint", Type::Text), std::pair("timeuuid", Type::Uuid)}) {
    EXPECT_TRUE(convert(from, to)) << from << " to " << sql::name(to);
  }
  for (const auto& [from, to] : {std::pair("bigint", Type::Int), std::pair("bigint", Type::Double),
                                 std::pair("int", Type::Float), std::pair("double", Type::Float),
                                 std::pair("double", Type::Int), std::pair("boolean", Type::Int),
                                 std::pair("timestamp", Type::Date)}) {
    const auto refused = convert(from, to);
    ASSERT_FALSE(refused) << from << " to " << sql::name(to);
    EXPECT_EQ(refused.error().code, Code::InvalidArgument);
    EXPECT_NE(refused.error().message.find(
                  fmt::format("column n is {} in the pipeline and {} in the table; cast(n as {})",
                              from, sql::name(to), sql::name(to))),
              std::string::npos)
        << refused.error().message;
  }
}

TEST(Plan, AStepThatCannotWorkIsRefusedWithItsLine) {
  PipelineSpec spec = spec_of("id text", R"({where: "id = 'a'"})");
  spec.transform[0].sql = "idd = 'a'";
  const auto refused = Plan::compile(spec);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("p.yaml: transform step at line 4"), std::string::npos)
      << refused.error().message;
  EXPECT_NE(refused.error().message.find("did you mean id?"), std::string::npos);
}

}  // namespace
}  // namespace penstock::stream
