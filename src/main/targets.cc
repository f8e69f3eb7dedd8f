// SPDX-License-Identifier: Apache-2.0
#include "main/targets.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "main/data_dir.h"

namespace penstock::main_room {

std::optional<Config> load_config(const std::string& file) {
  constexpr const char* kDefault = "penstock.yaml";
  if (file.empty() && !std::filesystem::exists(kDefault)) return Config::built_in();
  Problems problems;
  Config config = Config::read(file.empty() ? kDefault : file, problems);
  for (const Problem& problem : problems) fmt::print(stderr, "{}\n", problem.text());
  if (!problems.empty()) return std::nullopt;
  return config;
}

void Targets::add_config_flags(CLI::App& app, const char* flag) {
  app.add_option(flag, file_, "Configuration file (default: penstock.yaml, when it is there)")
      ->type_name("FILE");
  app.add_option("--data-dir", data_dir_, "Data directory of the running process to talk to")
      ->type_name("DIR");
}

void Targets::add_kafka_flag(CLI::App& app) {
  app.add_option("--bootstrap-server,--broker-list,-b", bootstrap_, "Kafka to talk to")
      ->type_name("HOST:PORT,...");
}

void Targets::add_cassandra_flag(CLI::App& app) {
  app.add_option("--contact-points", contact_points_, "CQL servers to talk to")
      ->type_name("HOST:PORT,...")
      ->delimiter(',');
}

bool Targets::find() {
  auto config = load_config(file_);
  if (!config) return false;
  config_ = *std::move(config);
  if (!data_dir_.empty()) config_.data_dir = data_dir_;
  const auto running = Endpoints::read(config_.data_dir);
  if (bootstrap_.empty()) {
    if (!config_.kafka.built_in()) {
      bootstrap_ = config_.kafka.bootstrap_servers;
    } else if (running && !running->kafka.empty()) {
      const auto plain = running->kafka.find("PLAINTEXT");
      bootstrap_ = (plain != running->kafka.end() ? plain : running->kafka.begin())->second;
    } else {
      const auto& listeners = config_.kafka.listeners;
      const auto plain = listeners.find("PLAINTEXT");
      bootstrap_ = (plain != listeners.end() ? plain : listeners.begin())->second.bind.text();
    }
  }
  if (contact_points_.empty()) {
    for (const net::Address& point : config_.cassandra.contact_points)
      contact_points_.push_back(point.text());
  }
  if (contact_points_.empty()) {
    contact_points_.push_back(running && !running->cassandra.empty()
                                  ? running->cassandra
                                  : config_.cassandra.listen.text());
  }
  for (std::string& point : contact_points_) {
    if (point.find(':') == std::string::npos) point += ":9042";
  }
  return true;
}

client::KafkaConfig Targets::kafka(std::string client_id,
                                   std::map<std::string, std::string> properties) const {
  properties.insert(config_.kafka.client_properties.begin(), config_.kafka.client_properties.end());
  return {.bootstrap_servers = bootstrap_,
          .client_id = std::move(client_id),
          .properties = std::move(properties)};
}

Result<client::CqlConfig> Targets::cassandra(const std::vector<std::string>& contact_points) const {
  client::CqlConfig cql = config_.cassandra.client;
  for (const std::string& point : contact_points.empty() ? contact_points_ : contact_points) {
    const bool has_port = point.find(':') != std::string::npos;
    cql.contact_points.push_back(
        TRY_WITH(net::Address::parse(has_port ? point : point + ":9042"), "contact point"));
  }
  return cql;
}

}  // namespace penstock::main_room
