// SPDX-License-Identifier: Apache-2.0
// Runs testdata/*.cql against a server and compares what comes with *.result. REWRITE_RESULTS=1
// writes those anew, to be reviewed as a diff. `-- advance N` moves the clock by N seconds.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "cql/test_server.h"

namespace penstock::cql_server {
namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string shown_body(const TestReply& reply) {
  if (reply.header.opcode == cql::Opcode::Error) {
    const auto error = reply.error();
    return fmt::format("error {:04x}: {}\n", static_cast<unsigned>(error.code), error.message);
  }
  const auto result = reply.result();
  if (const auto* change = std::get_if<cql::SchemaChange>(&result))
    return fmt::format("{} {} {}{}{}\n", change->change, change->target, change->keyspace,
                       change->object.empty() ? "" : ".", change->object);
  if (const auto* keyspace = std::get_if<cql::SetKeyspaceResult>(&result))
    return "keyspace " + keyspace->keyspace + "\n";
  const auto* rows = std::get_if<cql::RowsResult>(&result);
  if (rows == nullptr) return "ok\n";
  std::string text;
  for (const auto& column : rows->metadata.columns) text += (text.empty() ? "" : "|") + column.name;
  text += "\n";
  for (const std::string& row : reply.rows()) text += row + "\n";
  return text + fmt::format("({} rows)\n", rows->row_count);
}

std::string shown(const TestReply& reply) {
  std::string warnings;
  for (const std::string& warning : reply.prefix().warnings)
    warnings += "warning: " + warning + "\n";
  return warnings + shown_body(reply);
}

std::string run(const std::string& script) {
  TestServer server;
  TestClient client(server);
  std::string shown_all;
  std::string statement;
  std::istringstream lines(script);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("-- advance ")) {
      server.clock.advance(std::chrono::seconds(std::stoi(line.substr(11))));
      shown_all += line + "\n";
    }
    if (line.empty() || line.starts_with("--")) continue;
    statement += (statement.empty() ? "" : "\n") + line;
    if (!statement.ends_with(";")) continue;
    shown_all += "> " + statement + "\n" + shown(client.query(statement)) + "\n";
    statement.clear();
  }
  EXPECT_EQ(statement, "") << "the last statement has no semicolon";
  return shown_all;
}

class Script : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(Script, GivesItsResult) {
  std::filesystem::path result = GetParam();
  result.replace_extension(".result");
  const std::string actual = run(read(GetParam()));
  if (std::getenv("REWRITE_RESULTS") != nullptr) {
    std::ofstream(result) << actual;
    return;
  }
  EXPECT_EQ(actual, read(result));
}

std::vector<std::filesystem::path> scripts() {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(PENSTOCK_SOURCE_DIR "/testdata"))
    if (entry.path().extension() == ".cql") found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

INSTANTIATE_TEST_SUITE_P(Cql, Script, testing::ValuesIn(scripts()),
                         [](const auto& script) { return script.param.stem().string(); });

}  // namespace
}  // namespace penstock::cql_server
