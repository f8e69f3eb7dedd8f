// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <set>

#include "base/nearest.h"
#include "main/yaml_section_internal.h"

namespace penstock::main_room {

YamlSection::YamlSection(YAML::Node node, std::string name, std::string file, Problems& problems,
                         std::set<std::string>* asked)
    : node_(std::move(node)),
      name_(std::move(name)),
      file_(std::move(file)),
      problems_(problems),
      asked_(asked) {
  if (node_.IsMap() || node_.IsNull() || !node_.IsDefined()) return;
  problem(node_,
          (name_.empty() ? "the file" : "'" + name_ + "'") + " must be a map of keys and values");
  node_ = YAML::Node();
}

std::string YamlSection::path(const std::string& key) const {
  return name_.empty() ? key : name_ + "." + key;
}

YAML::Node YamlSection::node(const std::string& key) {
  known_.push_back(key);
  if (asked_ != nullptr) asked_->insert(path(key));
  // The node that yaml-cpp gives for a missing key throws whatever it is asked; this one does not.
  const YAML::Node missing(YAML::NodeType::Undefined);
  if (!node_.IsMap()) return missing;
  const YAML::Node found = std::as_const(node_)[key];
  return found.IsDefined() ? found : missing;
}

bool YamlSection::has(const std::string& key) {
  return node(key).IsDefined();
}

YamlSection YamlSection::section(const std::string& key) {
  return YamlSection(node(key), path(key), file_, problems_, asked_);
}

void YamlSection::text(const std::string& key, std::string& into) {
  const YAML::Node value = node(key);
  if (!value.IsDefined()) return;
  if (!value.IsScalar()) return problem(value, "'" + path(key) + "' must be a text");
  into = scalar(value);
}

void YamlSection::boolean(const std::string& key, bool& into) {
  const YAML::Node value = node(key);
  if (!value.IsDefined()) return;
  const std::string word = value.IsScalar() ? scalar(value) : "";
  if (word != "true" && word != "false")
    return problem(value, "'" + path(key) + "' must be true or false");
  into = word == "true";
}

void YamlSection::address(const std::string& key, net::Address& into) {
  const YAML::Node value = node(key);
  if (!value.IsDefined()) return;
  const auto parsed = net::Address::parse(value.IsScalar() ? scalar(value) : "");
  if (!parsed) return problem(value, "'" + path(key) + "': " + parsed.error().message);
  into = *parsed;
}

void YamlSection::integer(const std::string& key, std::int64_t& into, std::int64_t least,
                          std::int64_t most) {
  const YAML::Node value = node(key);
  if (!value.IsDefined()) return;
  const std::string word = value.IsScalar() ? scalar(value) : "";
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc() || end != word.data() + word.size() || number < least || number > most) {
    return problem(
        value, fmt::format("'{}' must be a whole number from {} to {}", path(key), least, most));
  }
  into = number;
}

void YamlSection::texts(const std::string& key, std::vector<std::string>& into) {
  const YAML::Node value = node(key);
  if (!value.IsDefined()) return;
  if (value.IsScalar()) {
    into = {scalar(value)};
    return;
  }
  if (!value.IsSequence()) return problem(value, "'" + path(key) + "' must be a list");
  into.clear();
  for (const YAML::Node& item : value) {
    if (item.IsScalar()) {
      into.push_back(scalar(item));
    } else {
      problem(item, "'" + path(key) + "' must be a list of texts");
    }
  }
}

void YamlSection::refuse(std::span<const RefusedKey> keys) {
  for (const RefusedKey& refused : keys) {
    if (refused.section != name_) continue;
    const YAML::Node value = node(refused.key);
    if (asked_ != nullptr) asked_->erase(path(refused.key));
    if (value.IsDefined())
      problem(value, "'" + path(refused.key) + "' is not supported yet: " + refused.why);
  }
}

std::vector<std::string> YamlSection::keys() const {
  std::vector<std::string> names;
  if (!node_.IsMap()) return names;
  for (const auto& entry : node_) {
    if (entry.first.IsScalar()) names.push_back(entry.first.Scalar());
  }
  return names;
}

void YamlSection::problem(const YAML::Node& at, std::string message, std::string suggestion) {
  const YAML::Mark mark = at.IsDefined() ? at.Mark() : YAML::Mark::null_mark();
  problems_.push_back(
      {file_, mark.line + 1, mark.column + 1, std::move(message), std::move(suggestion)});
}

std::string YamlSection::scalar(const YAML::Node& node) {
  const std::string& raw = node.Scalar();
  std::string out;
  for (std::size_t i = 0; i < raw.size();) {
    const std::size_t end = raw.compare(i, 2, "${") == 0 ? raw.find('}', i) : std::string::npos;
    if (end == std::string::npos) {
      out += raw[i++];
      continue;
    }
    const std::string inside = raw.substr(i + 2, end - i - 2);
    const std::size_t fallback = inside.find(":-");
    const std::string name = inside.substr(0, fallback);
    if (const char* value = std::getenv(name.c_str());
        value != nullptr && (*value != '\0' || fallback == std::string::npos)) {
      out += value;
    } else if (fallback != std::string::npos) {
      out += inside.substr(fallback + 2);
    } else {
      problem(node, "environment variable '" + name + "' is not set; set it, or write ${" + name +
                        ":-default}");
    }
    i = end + 1;
  }
  return out;
}

void YamlSection::finish() {
  if (!node_.IsMap()) return;
  std::set<std::string> seen;
  for (const auto& entry : node_) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "?";
    if (!seen.insert(key).second) problem(entry.first, "key '" + path(key) + "' stands here twice");
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    problem(entry.first, "unknown key '" + path(key) + "'", nearest(key, known_));
  }
}

}  // namespace penstock::main_room
