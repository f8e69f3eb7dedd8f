// SPDX-License-Identifier: Apache-2.0
// Shows yaml-cpp: for .cc files that read configuration.
#pragma once

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sql/field.h"
#include "stream/pipeline.h"

namespace penstock::stream {

// One YAML file while it is read: its text, and the problems found so far.
class YamlFile {
 public:
  YamlFile(std::string_view text, std::string name, const Environment& environment)
      : text_(text), name_(std::move(name)), environment_(environment) {}

  void error(const YAML::Mark& at, std::string message, std::string suggestion = "");
  void info(const YAML::Mark& at, std::string message);
  // An error inside SQL text that is the scalar `node`, at its real place in the file.
  void sql_error(const YAML::Node& node, const sql::SqlError& error);
  // Where (line, column) of the SQL text in `node` lies in the file.
  std::pair<int, int> place_in(const YAML::Node& node, int line, int column) const;

  // The scalar with ${NAME} replaced; nothing, with a problem noted, when it is not a scalar or a
  // name has no value.
  std::optional<std::string> scalar(const YAML::Node& node, std::string_view what);

  bool failed() const;
  std::vector<Problem> take_problems();  // in the order of the file

 private:
  void add(Problem::Severity severity, int line, int column, std::string message,
           std::string suggestion);
  std::string_view line_text(int line) const;

  std::string_view text_;
  std::string name_;
  const Environment& environment_;
  std::vector<Problem> problems_;
};

// A mapping whose keys are all known: asking for a key makes it known, finish() reports the others
// with the nearest name.
class YamlSection {
 public:
  // `name` is how messages call it. A node that is no mapping is a problem; the section is then
  // empty.
  YamlSection(YamlFile& file, const YAML::Node& node, std::string name);

  // The node of `key`, or of the first alias that is there, which is noted as information. Invalid
  // when absent.
  YAML::Node get(const std::string& key, std::initializer_list<const char*> aliases = {});
  std::optional<std::string> text(const std::string& key,
                                  std::initializer_list<const char*> aliases = {});
  std::optional<bool> flag(const std::string& key, std::initializer_list<const char*> aliases = {});
  std::optional<std::size_t> count(const std::string& key,
                                   std::initializer_list<const char*> aliases = {});
  // A list of scalars; one scalar counts as a list of one, cut at commas.
  std::optional<std::vector<std::string>> list(const std::string& key,
                                               std::initializer_list<const char*> aliases = {});

  YAML::Mark mark() const { return mark_; }
  YAML::Mark mark(const YAML::Node& node) const { return node ? node.Mark() : mark_; }
  void finish();

 private:
  YamlFile& file_;
  YAML::Node node_;
  YAML::Mark mark_;
  std::string name_;
  std::set<std::string> known_;       // asked for, aliases too
  std::vector<std::string> offered_;  // canonical names, for suggestions
};

}  // namespace penstock::stream
