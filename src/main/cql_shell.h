// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "base/result.h"
#include "client/cql_client.h"

namespace penstock::main_room {

// Runs statements and the shell's own commands, and prints as cqlsh does: results to `out`,
// failures to `err`.
class CqlShell {
 public:
  CqlShell(client::CqlClient& client, std::FILE* out, std::FILE* err)
      : client_(client), out_(out), err_(err) {}

  void json(bool on) { json_ = on; }
  void expand(bool on) { expand_ = on; }

  // One statement or command, without its ';'. False when it failed (the reason has been printed).
  bool run(const std::string& statement);
  // All statements of a text or file; false when one failed. Goes on after a failure, unless nobody
  // answers any more: then the first statement that was not run is named.
  bool run_text(const std::string& text);
  bool run_file(const std::string& file);
  // Whether this line alone is a command of the shell, which needs no ';': HELP, EXIT, SOURCE ...
  static bool is_command(const std::string& line);

  bool exiting() const { return exiting_; }
  int exit_code() const {
    return exit_code_;
  }  // kTemporary when the last failure was that nobody answered
  const std::string& keyspace() const { return keyspace_; }

 private:
  bool command(const std::vector<std::string>& words, bool& known);
  bool statement(const std::string& text);
  bool print(const std::string& text, client::ResultSet first);
  bool describe(const client::ResultSet& result);
  void print_json(const client::ResultSet& page);
  void print_expanded(const client::ResultSet& page);
  bool report(const Error& error);

  client::CqlClient& client_;
  std::FILE* out_;
  std::FILE* err_;
  std::string keyspace_;
  bool json_ = false;
  bool expand_ = false;
  bool exiting_ = false;
  int exit_code_ = 1;
  std::size_t expanded_rows_ = 0;  // numbering goes on over pages
  int depth_ = 0;                  // of SOURCE
};

}  // namespace penstock::main_room
