// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "broker/config.h"
#include "net/address.h"

namespace penstock::main_room {

// Something wrong in a file of the user's, with its place.
struct Problem {
  std::string file;
  int line = 0;  // from 1; 0 = the whole file
  int column = 0;
  std::string message;

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
    bool allow_unauthenticated = false;
    bool built_in() const { return bootstrap_servers.empty(); }
  };
  struct Cassandra {
    net::Address listen{"127.0.0.1", 9042};
    std::vector<net::Address> contact_points;  // not empty: a real Cassandra
    std::string local_dc;
    std::int64_t block_cache_bytes = 32 << 20;
    bool allow_unauthenticated = false;
    bool built_in() const { return contact_points.empty(); }
  };
  struct Console {
    net::Address listen{"127.0.0.1", 8080};
    bool allow_unauthenticated = false;
  };

  std::filesystem::path data_dir = "penstock-data";
  Kafka kafka;
  Cassandra cassandra;
  Console console;
  // Files, patterns already expanded, in order of name. Without the key: pipelines/*.yaml beside
  // the configuration.
  std::vector<std::filesystem::path> pipelines;

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
};

}  // namespace penstock::main_room
