// SPDX-License-Identifier: Apache-2.0
#include "main/cql_shell.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <sstream>

#include "base/text_file.h"
#include "main/cql_splitter.h"
#include "main/exit_code.h"
#include "main/text_table.h"
#include "wire/cql/kind.h"

namespace penstock::main_room {
namespace {

constexpr int kSourceDepthMax = 16;
constexpr std::int32_t kPageRows = 1000;

constexpr const char* kHelp = R"(Statements end with ';'. The shell's own commands need none:
  DESCRIBE KEYSPACES | TABLES | KEYSPACE name | TABLE name | CLUSTER | SCHEMA
  USE name          keyspace for what follows
  SOURCE 'file'     run the statements of a file
  EXPAND ON | OFF   one line a cell
  SHOW VERSION | SHOW HOST
  EXIT, QUIT        leave
)";

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream in(text);
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

bool is_json_bare(cql::Kind kind) {
  switch (kind) {
    case cql::Kind::Bigint:
    case cql::Kind::Boolean:
    case cql::Kind::Counter:
    case cql::Kind::Int:
    case cql::Kind::Smallint:
    case cql::Kind::Tinyint:
    case cql::Kind::Varint:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool CqlShell::is_command(const std::string& line) {
  static const std::vector<std::string> kAlone{
      "HELP", "?", "EXIT", "QUIT", "SOURCE", "EXPAND", "SHOW", "DESCRIBE", "DESC", "USE", "CLEAR"};
  const auto words = words_of(line);
  return !words.empty() && std::find(kAlone.begin(), kAlone.end(), upper(words[0])) != kAlone.end();
}

bool CqlShell::run(const std::string& text) {
  bool known = false;
  const bool done = command(words_of(text), known);
  const bool good = known ? done : statement(text);
  std::fflush(out_);  // whoever reads us through a pipe waits for this answer
  return good;
}

bool CqlShell::command(const std::vector<std::string>& words, bool& known) {
  if (words.empty()) return known = true;
  const std::string first = upper(words[0]);
  const std::string second = words.size() > 1 ? upper(words[1]) : "";
  known = true;
  if (first == "EXIT" || first == "QUIT") {
    exiting_ = true;
    return true;
  }
  if (first == "HELP" || first == "?") {
    fmt::print(out_, "{}", kHelp);
    return true;
  }
  if (first == "EXPAND" && (second == "ON" || second == "OFF")) {
    expand_ = second == "ON";
    fmt::print(out_, "Expanded output is {}.\n", expand_ ? "on" : "off");
    return true;
  }
  if (first == "SHOW" && second == "VERSION") {
    const client::CqlServerInfo server = client_.server();
    fmt::print(out_, "[penstock {} | Cassandra {} | Native protocol v{}]\n", PENSTOCK_VERSION,
               server.release_version, server.protocol_version);
    return true;
  }
  if (first == "SHOW" && second == "HOST") {
    const client::CqlServerInfo server = client_.server();
    if (server.topology == nullptr || server.topology->nodes().empty())
      return report({Code::Unavailable, "not connected"});
    fmt::print(out_, "Connected to {} at {}\n", server.topology->cluster_name(),
               server.topology->nodes()[0].address.text());
    return true;
  }
  if (first == "SOURCE" && words.size() == 2) {
    std::string file = words[1];
    if (file.size() > 1 && (file.front() == '\'' || file.front() == '"'))
      file = file.substr(1, file.size() - 2);
    return run_file(file);
  }
  known = false;
  return false;
}

bool CqlShell::run_text(const std::string& text) {
  CqlSplitter splitter;
  splitter.feed(text);
  bool good = true;
  const auto next = [&]() -> std::optional<std::string> {
    if (auto one = splitter.next()) return one;
    std::string rest = splitter.rest();
    return rest.empty() ? std::nullopt : std::optional(std::move(rest));
  };
  for (auto one = next(); one && !exiting_;) {
    const bool done = run(*one);
    good = good && done;
    one = next();
    if (!done && exit_code_ == kTemporary) {
      if (one) fmt::print(err_, "the statements from here on were not run: {}\n", *one);
      return false;
    }
  }
  return good;
}

bool CqlShell::run_file(const std::string& file) {
  if (depth_ >= kSourceDepthMax)
    return report({Code::InvalidArgument, "SOURCE nests too deep in " + file});
  const auto text = read_text_file(file);
  if (!text) return report(text.error().with(file));
  ++depth_;
  const bool good = run_text(*text);
  --depth_;
  return good;
}

bool CqlShell::statement(const std::string& text) {
  client::QueryOptions options;
  options.page_size = kPageRows;
  auto result = client_.query(text, options);
  if (!result) return report(result.error());
  for (const std::string& warning : result->warnings()) fmt::print(err_, "Warning: {}\n", warning);
  if (result->set_keyspace()) keyspace_ = *result->set_keyspace();
  if (result->columns().empty()) return true;
  const std::string first = upper(words_of(text)[0]);
  if ((first == "DESCRIBE" || first == "DESC") && !json_ && describe(*result)) return true;
  return print(text, *std::move(result));
}

// DESCRIBE of elements gives the statements that create them; of a list, names. False for what is
// neither.
bool CqlShell::describe(const client::ResultSet& result) {
  const auto create = result.column("create_statement");
  const auto name = result.column("name");
  if (!create && !name) return false;
  fmt::print(out_, "\n");
  for (std::size_t row = 0; row < result.rows(); ++row) {
    fmt::print(out_, "{}\n{}", result.cell_text(row, create ? *create : *name), create ? "\n" : "");
  }
  if (!create) fmt::print(out_, "\n");
  return true;
}

bool CqlShell::print(const std::string& text, client::ResultSet page) {
  std::vector<std::string> heading;
  for (const cql::ColumnSpec& column : page.columns()) heading.push_back(column.name);
  CqlTable table(heading);
  std::size_t total = 0;
  expanded_rows_ = 0;
  while (true) {
    total += page.rows();
    if (json_) {
      print_json(page);
    } else if (expand_) {
      print_expanded(page);
    } else {
      std::vector<std::vector<std::string>> rows(page.rows());
      for (std::size_t row = 0; row < page.rows(); ++row) {
        for (std::size_t column = 0; column < heading.size(); ++column)
          rows[row].push_back(page.cell_text(row, column));
      }
      fmt::print(out_, "{}", table.page(rows));
    }
    if (!page.paging_state()) break;
    client::QueryOptions options;
    options.page_size = kPageRows;
    options.paging_state = page.paging_state();
    auto next = client_.query(text, options);
    if (!next) return report(next.error());
    page = *std::move(next);
  }
  if (!json_) fmt::print(out_, "\n({} rows)\n", total);
  return true;
}

void CqlShell::print_json(const client::ResultSet& page) {
  for (std::size_t row = 0; row < page.rows(); ++row) {
    std::string line = "{";
    for (std::size_t column = 0; column < page.columns().size(); ++column) {
      const cql::ColumnSpec& spec = page.columns()[column];
      if (column > 0) line += ',';
      line += boost::json::serialize(boost::json::value(spec.name)) + ":";
      const std::string cell = page.cell_text(row, column);
      if (page.cell(row, column).absent()) {
        line += "null";
      } else if (is_json_bare(spec.type.kind())) {
        line += upper(cell) == "TRUE" ? "true" : upper(cell) == "FALSE" ? "false" : cell;
      } else {
        line += boost::json::serialize(boost::json::value(cell));
      }
    }
    fmt::print(out_, "{}}}\n", line);
  }
}

void CqlShell::print_expanded(const client::ResultSet& page) {
  std::size_t widest = 0;
  for (const cql::ColumnSpec& column : page.columns())
    widest = std::max(widest, display_width(column.name));
  for (std::size_t row = 0; row < page.rows(); ++row) {
    fmt::print(out_, "\n@ Row {}\n", ++expanded_rows_);
    for (std::size_t column = 0; column < page.columns().size(); ++column) {
      const std::string& name = page.columns()[column].name;
      fmt::print(out_, " {}{} | {}\n", name, std::string(widest - display_width(name), ' '),
                 page.cell_text(row, column));
    }
  }
}

bool CqlShell::report(const Error& error) {
  std::fflush(out_);
  fmt::print(err_, "{}\n", error.message);
  exit_code_ = main_room::exit_code(error);
  return false;
}

}  // namespace penstock::main_room
