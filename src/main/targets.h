// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/cql_config.h"
#include "client/kafka_config.h"
#include "main/config.h"

namespace CLI {
class App;
}

namespace penstock::main_room {

// Where a client command finds its broker and store. What a flag says wins; then what the
// configuration says when it names real ones; then what a process running on the data directory
// says in endpoints.json; then the addresses that the configuration would listen on.
class Targets {
 public:
  // `flag` is another name where the command has a --config of its own.
  void add_config_flags(CLI::App& app, const char* flag = "-c,--config");
  void add_kafka_flag(CLI::App& app);
  void add_cassandra_flag(CLI::App& app);

  // Reads the configuration. False, having said why on standard error, when it is wrong: exit with
  // kBadConfig.
  bool find();
  const Config& config() const { return config_; }
  const std::string& bootstrap_servers() const { return bootstrap_; }
  // The broker, with the security that the configuration names; `properties` win over it.
  client::KafkaConfig kafka(std::string client_id,
                            std::map<std::string, std::string> properties = {}) const;
  // The store at `contact_points` ("host" or "host:port"; empty: the configuration's), with the
  // user that the configuration names.
  Result<client::CqlConfig> cassandra(const std::vector<std::string>& contact_points = {}) const;
  const std::vector<std::string>& contact_points() const { return contact_points_; }  // "host:port"

 private:
  std::string file_;
  std::string data_dir_;
  std::string bootstrap_;
  std::vector<std::string> contact_points_;
  Config config_;
};

// The configuration of -c, else ./penstock.yaml, else what is built in. Nothing, having said why,
// when it is wrong.
std::optional<Config> load_config(const std::string& file);

}  // namespace penstock::main_room
