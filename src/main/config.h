// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/config.h"
#include "client/cql_config.h"
#include "net/address.h"

namespace penstock::main_room {

// Something wrong in a file of the user's, with its place.
struct Problem {
  std::string file;
  int line = 0;  // from 1; 0 = the whole file
  int column = 0;
  std::string message;
  std::string suggestion;  // the key that was meant, when one is near

  std::string text() const;  // "penstock.yaml:3:1: unknown key 'kafak'; did you mean 'kafka'?"
};
using Problems = std::vector<Problem>;

// What penstock.yaml says; what it leaves out is built in (penstock.example.yaml shows every key).
// Each of Kafka and Cassandra is either the built-in one, with addresses to listen on, or a real
// one, with addresses to connect to.
struct Config {
  struct Kafka {
    broker::Listeners listeners{{"PLAINTEXT", {{"127.0.0.1", 9092}, {}}},
                                {"INTERNAL", {{"127.0.0.1", 29092}, {}}}};
    broker::BrokerConfig broker;
    std::string bootstrap_servers;  // not empty: a real Kafka, and nothing above counts
    // How to reach it, under librdkafka's names: security, and what the user adds. Holds secrets.
    std::map<std::string, std::string> client_properties;
    bool allow_unauthenticated = false;
    bool built_in() const { return bootstrap_servers.empty(); }
    bool operator==(const Kafka&) const = default;
  };
  struct Cassandra {
    net::Address listen{"127.0.0.1", 9042};
    std::vector<net::Address> contact_points;  // not empty: a real Cassandra
    // How to reach the real one; its contact points are those above.
    client::CqlConfig client = real_cassandra();
    std::int64_t block_cache_bytes = 32 << 20;
    bool allow_unauthenticated = false;
    bool built_in() const { return contact_points.empty(); }
    bool operator==(const Cassandra&) const = default;
  };
  struct Console {
    net::Address listen{"127.0.0.1", 8080};
    bool allow_unauthenticated = false;
    bool operator==(const Console&) const = default;
  };

  std::filesystem::path data_dir = "penstock-data";
  Kafka kafka;
  Cassandra cassandra;
  Console console;
  // Files, patterns already expanded, in order of name. Without the key: pipelines/*.yaml beside
  // the configuration.
  std::vector<std::filesystem::path> pipelines;

  // Pipelines write with LOCAL_QUORUM; the rest is the client's own.
  static client::CqlConfig real_cassandra();
  // Defaults with the pipelines of `folder`.
  static Config built_in(const std::filesystem::path& folder = ".");
  // Reads a file. Adds every problem, not only the first; the configuration is usable when there is
  // none. Relative paths in it are relative to its folder. ${NAME} and ${NAME:-default} stand for
  // environment variables.
  static Config read(const std::filesystem::path& file, Problems& problems);
  static Config parse(const std::string& yaml, const std::filesystem::path& file,
                      Problems& problems);

  // The rules that also hold for addresses given as flags: who listens beyond this machine says so
  // by name.
  void check(Problems& problems, const std::string& where) const;

  // Every key that is read, with its section: "kafka.num_partitions". Not the names of listeners.
  static std::set<std::string> keys();
  bool operator==(const Config&) const = default;
};

// A key that belongs into the file and does nothing yet, so it is refused. COMPAT.md lists them.
struct RefusedKey {
  const char* section;  // empty: the root
  const char* key;
  const char* why;
};
inline constexpr std::array<RefusedKey, 3> kRefusedKeys{{
    {"", "schema_registry", "this version has no such box; leave the key out"},
    {"", "metadata", "this version has no such box; leave the key out"},
    {"", "dags", "this version has no such box; leave the key out"},
}};

}  // namespace penstock::main_room
