// SPDX-License-Identifier: Apache-2.0
#include "stream/yaml_reader.h"

#include <fmt/format.h>

#include <charconv>

namespace penstock::stream {

void YamlFile::add(Problem::Severity severity, int line, int column, std::string message,
                   std::string suggestion) {
  problems_.push_back({severity, name_, line, column, std::move(message), std::move(suggestion)});
}
void YamlFile::error(const YAML::Mark& at, std::string message, std::string suggestion) {
  add(Problem::Severity::Error, at.line + 1, at.column + 1, std::move(message),
      std::move(suggestion));
}
void YamlFile::info(const YAML::Mark& at, std::string message) {
  add(Problem::Severity::Info, at.line + 1, at.column + 1, std::move(message), "");
}

std::string_view YamlFile::line_text(int line) const {
  std::size_t begin = 0;
  for (; line > 0 && begin < text_.size(); --line)
    begin = std::min(text_.find('\n', begin), text_.size() - 1) + 1;
  return text_.substr(begin, text_.find('\n', begin) - begin);
}

std::pair<int, int> YamlFile::place_in(const YAML::Node& node, int line, int column) const {
  const YAML::Mark at = node.Mark();
  const std::string_view first = line_text(at.line);
  const auto start = static_cast<std::size_t>(std::max(at.column, 0));
  const char opening = start < first.size() ? first[start] : ' ';
  if (opening == '|' || opening == '>') {
    const int in_file = at.line + line;
    const std::size_t indent = line_text(in_file).find_first_not_of(' ');
    return {in_file + 1, column + static_cast<int>(indent == std::string_view::npos ? 0 : indent)};
  }
  const int quote = opening == '"' || opening == '\'' ? 1 : 0;
  return {at.line + line, line == 1 ? at.column + quote + column : column};
}

void YamlFile::sql_error(const YAML::Node& node, const sql::SqlError& error) {
  const auto [line, column] = place_in(node, error.line, error.column);
  add(Problem::Severity::Error, line, column, error.message, error.suggestion);
}

std::optional<std::string> YamlFile::scalar(const YAML::Node& node, std::string_view what) {
  if (!node.IsScalar()) {
    error(node.Mark(), fmt::format("{} must be a single value", what));
    return std::nullopt;
  }
  const std::string& raw = node.Scalar();
  std::string out;
  for (std::size_t at = 0; at < raw.size();) {
    const std::size_t begin = raw.find("${", at);
    out.append(raw, at, begin - at);
    if (begin == std::string::npos) break;
    const std::size_t end = raw.find('}', begin);
    if (end == std::string::npos) {
      error(node.Mark(), fmt::format("{}: ${{ without }}", what));
      return std::nullopt;
    }
    const std::string inside = raw.substr(begin + 2, end - begin - 2);
    const std::size_t fallback = inside.find(":-");
    const std::string variable = inside.substr(0, fallback);
    if (const auto value = environment_(variable);
        value && !(value->empty() && fallback != std::string::npos)) {
      out += *value;
    } else if (fallback != std::string::npos) {
      out.append(inside, fallback + 2);
    } else {
      error(node.Mark(),
            fmt::format("environment variable {} is not set; set it, or write ${{{}:-default}}",
                        variable, variable));
      return std::nullopt;
    }
    at = end + 1;
  }
  return out;
}

bool YamlFile::failed() const {
  return std::any_of(problems_.begin(), problems_.end(), [](const Problem& problem) {
    return problem.severity == Problem::Severity::Error;
  });
}

std::vector<Problem> YamlFile::take_problems() {
  std::stable_sort(problems_.begin(), problems_.end(), [](const Problem& a, const Problem& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  return std::move(problems_);
}

YamlSection::YamlSection(YamlFile& file, const YAML::Node& node, std::string name)
    : file_(file), node_(node), mark_(node.Mark()), name_(std::move(name)) {
  if (node_.IsNull()) {
    node_ = YAML::Node(YAML::NodeType::Map);
  } else if (!node_.IsMap()) {
    file_.error(mark_, fmt::format("{} must be a mapping (key: value)", name_));
    node_ = YAML::Node(YAML::NodeType::Map);
  }
  std::set<std::string> seen;
  for (const auto& entry : node_) {
    if (!entry.first.IsScalar()) continue;
    if (!seen.insert(entry.first.Scalar()).second) {
      file_.error(entry.first.Mark(),
                  fmt::format("{} appears twice in {}", entry.first.Scalar(), name_));
    }
  }
}

YAML::Node YamlSection::get(const std::string& key, std::initializer_list<const char*> aliases) {
  known_.insert(key);
  offered_.push_back(key);
  for (const char* alias : aliases) known_.insert(alias);
  YAML::Node found(YAML::NodeType::Undefined);
  std::string found_as;
  for (const auto& entry : node_) {
    if (!entry.first.IsScalar()) continue;
    const std::string& name = entry.first.Scalar();
    const bool alias = std::find(aliases.begin(), aliases.end(), name) != aliases.end();
    if (name != key && !alias) continue;
    if (!found_as.empty() && found_as != name) {
      file_.error(entry.first.Mark(),
                  fmt::format("{} and {} mean the same in {}; give one", found_as, name, name_));
      continue;
    }
    if (alias) file_.info(entry.first.Mark(), fmt::format("{} is read as {}", name, key));
    found_as = name;
    found.reset(entry.second);
  }
  return found;
}

std::optional<std::string> YamlSection::text(const std::string& key,
                                             std::initializer_list<const char*> aliases) {
  const YAML::Node node = get(key, aliases);
  if (!node) return std::nullopt;
  return file_.scalar(node, key);
}

std::optional<bool> YamlSection::flag(const std::string& key,
                                      std::initializer_list<const char*> aliases) {
  const YAML::Node node = get(key, aliases);
  if (!node) return std::nullopt;
  const auto value = file_.scalar(node, key);
  if (!value) return std::nullopt;
  if (*value == "true" || *value == "yes" || *value == "on") return true;
  if (*value == "false" || *value == "no" || *value == "off") return false;
  file_.error(node.Mark(), fmt::format("{} must be true or false, not '{}'", key, *value));
  return std::nullopt;
}

std::optional<std::size_t> YamlSection::count(const std::string& key,
                                              std::initializer_list<const char*> aliases) {
  const YAML::Node node = get(key, aliases);
  if (!node) return std::nullopt;
  const auto value = file_.scalar(node, key);
  if (!value) return std::nullopt;
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
  if (error == std::errc{} && end == value->data() + value->size()) return number;
  file_.error(node.Mark(), fmt::format("{} must be a whole number, not '{}'", key, *value));
  return std::nullopt;
}

std::optional<std::vector<std::string>> YamlSection::list(
    const std::string& key, std::initializer_list<const char*> aliases) {
  const YAML::Node node = get(key, aliases);
  if (!node) return std::nullopt;
  std::vector<std::string> out;
  if (node.IsSequence()) {
    for (const auto& item : node) {
      const auto value = file_.scalar(item, key);
      if (!value) return std::nullopt;
      out.push_back(*value);
    }
    return out;
  }
  const auto value = file_.scalar(node, key);
  if (!value) return std::nullopt;
  for (std::size_t begin = 0; begin <= value->size();) {
    const std::size_t end = std::min(value->find(',', begin), value->size());
    std::string item = value->substr(begin, end - begin);
    while (!item.empty() && item.front() == ' ') item.erase(0, 1);
    while (!item.empty() && item.back() == ' ') item.pop_back();
    if (!item.empty()) out.push_back(std::move(item));
    begin = end + 1;
  }
  return out;
}

void YamlSection::finish() {
  for (const auto& entry : node_) {
    if (!entry.first.IsScalar()) {
      file_.error(entry.first.Mark(), fmt::format("a key of {} is not a plain name", name_));
      continue;
    }
    const std::string& key = entry.first.Scalar();
    if (known_.count(key) == 0) {
      file_.error(entry.first.Mark(), fmt::format("unknown key {} in {}", key, name_),
                  sql::nearest(key, offered_));
    }
  }
}

}  // namespace penstock::stream
