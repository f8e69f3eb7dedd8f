// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <yaml-cpp/yaml.h>

#include <concepts>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "main/config.h"
#include "net/address.h"

namespace penstock::main_room {

// One map of a YAML file, read key by key. Every getter leaves its target alone when the key is
// missing, and notes a problem when the value does not fit. What was never asked for is an unknown
// key: finish() says so.
class YamlSection {
 public:
  // `name` is the path of the section for messages: "kafka.listeners"; empty for the root.
  // `asked`, if given, gets the paths of the keys that are asked for.
  YamlSection(YAML::Node node, std::string name, std::string file, Problems& problems,
              std::set<std::string>* asked = nullptr);

  bool has(const std::string& key);
  YamlSection section(const std::string& key);
  YAML::Node node(const std::string& key);

  void text(const std::string& key, std::string& into);
  void boolean(const std::string& key, bool& into);
  void address(const std::string& key, net::Address& into);
  template <std::integral T>
  void number(const std::string& key, T& into, std::int64_t least = 0,
              std::int64_t most = std::numeric_limits<T>::max()) {
    std::int64_t value = into;
    integer(key, value, least, most);
    into = static_cast<T>(value);
  }
  // A whole number of T's unit, as Kafka's *_ms settings are.
  template <class T>
  void duration(const std::string& key, T& into, std::int64_t least = 0) {
    std::int64_t value = into.count();
    integer(key, value, least, std::int64_t{1} << 53);
    into = T(value);
  }
  // A list of text; a single text counts as a list of one.
  void texts(const std::string& key, std::vector<std::string>& into);
  // Those of this section: understood, and refused for now.
  void refuse(std::span<const RefusedKey> keys);

  std::vector<std::string> keys() const;
  std::string path(const std::string& key) const;
  void problem(const YAML::Node& at, std::string message, std::string suggestion = "");
  // The text of a scalar with ${NAME} replaced.
  std::string scalar(const YAML::Node& node);
  void finish();

 private:
  void integer(const std::string& key, std::int64_t& into, std::int64_t least, std::int64_t most);

  YAML::Node node_;
  std::string name_;
  std::string file_;
  Problems& problems_;
  std::set<std::string>* asked_;
  std::vector<std::string> known_;
};

}  // namespace penstock::main_room
