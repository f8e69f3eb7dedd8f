// SPDX-License-Identifier: Apache-2.0
#include <editline/readline.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iterator>
#include <memory>

#include "base/text_file.h"
#include "main/commands/commands.h"
#include "main/cql_shell.h"
#include "main/cql_splitter.h"
#include "main/exit_code.h"
#include "main/targets.h"

namespace penstock::main_room {
namespace {

struct Options {
  Targets targets;
  std::string host;
  std::string port;
  std::string execute;
  std::string file;
  std::string keyspace;
  std::string user;
  std::string password;
  double request_seconds = 0;  // 0: the configuration's
  bool json = false;
  bool expand = false;
};

std::string history_file() {
  const char* home = std::getenv("HOME");
  return home == nullptr ? std::string() : std::string(home) + "/.penstock_cql_history";
}

// Line editor with history, until EXIT or end of input. Failures are printed and the session goes
// on.
void interact(CqlShell& shell) {
  const std::string history = history_file();
  using_history();
  stifle_history(2000);
  if (!history.empty()) read_history(history.c_str());
  CqlSplitter splitter;
  while (!shell.exiting()) {
    const std::string prompt =
        splitter.blank() ? "cql" + (shell.keyspace().empty() ? "" : ":" + shell.keyspace()) + "> "
                         : "...> ";
    const std::unique_ptr<char, void (*)(void*)> line(::readline(prompt.c_str()), std::free);
    if (line == nullptr) break;
    const std::string text(line.get());
    if (!text.empty()) add_history(text.c_str());
    const bool alone =
        splitter.blank() && CqlShell::is_command(text) && text.find(';') == std::string::npos;
    splitter.feed(alone ? text + ";" : text + "\n");
    while (const auto statement = splitter.next()) {
      shell.run(*statement);
      if (shell.exiting()) break;
    }
  }
  if (!history.empty()) write_history(history.c_str());
}

Result<std::vector<net::Address>> contact_points(const Options& options) {
  if (!options.host.empty()) {
    const std::string port = options.port.empty() ? "9042" : options.port;
    const bool whole = options.port.empty() && options.host.find(':') != std::string::npos;
    return std::vector{TRY(net::Address::parse(whole ? options.host : options.host + ":" + port))};
  }
  std::vector<net::Address> points;
  for (const std::string& point : options.targets.contact_points())
    points.push_back(TRY(net::Address::parse(point)));
  return points;
}

int with_client(const Options& options, client::CqlClient& client) {
  CqlShell shell(client, stdout, stderr);
  shell.json(options.json);
  shell.expand(options.expand);
  if (!options.keyspace.empty() && !shell.run("USE " + options.keyspace)) return shell.exit_code();
  bool good = true;
  if (!options.execute.empty()) {
    good = shell.run_text(options.execute);
  } else if (!options.file.empty()) {
    good = shell.run_file(options.file);
  } else if (::isatty(STDIN_FILENO) == 1) {
    fmt::print("Connected to {}. HELP shows what the shell knows; EXIT leaves.\n",
               client.server().topology != nullptr ? client.server().topology->cluster_name()
                                                   : "a CQL server");
    interact(shell);
  } else {
    const auto text = read_text(STDIN_FILENO);
    if (!text) return failed(text.error().with("standard input"));
    good = shell.run_text(*text);
  }
  return good ? kOk : shell.exit_code();
}

int cql(Options& options) {
  if (!options.execute.empty() && !options.file.empty())
    return usage_error("-e and -f exclude each other");
  if (!options.targets.find()) return kBadConfig;
  auto points = contact_points(options);
  if (!points) return usage_error(points.error().message);
  net::Loops loops(1, "cql");
  Metrics metrics;
  client::CqlConfig config = options.targets.config().cassandra.client;
  config.contact_points = *points;
  config.consistency = cql::Consistency::LocalOne;  // a person reads what there is
  if (!options.user.empty()) {
    config.user = options.user;
    config.password = options.password;
  }
  if (options.request_seconds > 0)
    config.request_timeout = std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(options.request_seconds));
  const auto client = client::CqlClient::open(config, loops.at(0), metrics);
  if (const auto ready = client->wait_ready(std::chrono::seconds(5)); !ready) {
    return failed(ready.error().with("no CQL server answers at " + points->front().text()));
  }
  const int code = with_client(options, *client);
  client->close();
  return code;
}

}  // namespace

Run add_cql(CLI::App& app) {
  auto options = std::make_shared<Options>();
  options->targets.add_config_flags(app);
  options->targets.add_cassandra_flag(app);
  app.add_option("host", options->host, "Server to ask (default: the one of the configuration)");
  app.add_option("port", options->port, "Its port (default: 9042)");
  app.add_option("-e,--execute", options->execute, "Statements to run")->type_name("CQL");
  app.add_option("-f,--file", options->file, "File of statements to run")->type_name("FILE");
  app.add_option("-k,--keyspace", options->keyspace, "Keyspace to USE first");
  app.add_option("-u,--username", options->user, "User (default: the configuration's)");
  app.add_option("-p,--password", options->password, "Password of -u");
  app.add_option("--request-timeout", options->request_seconds,
                 "How long to wait for an answer (default: the configuration's, 12)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.001, 86'400.0));
  app.add_flag("--expand,-x", options->expand, "One line a cell");
  app.add_flag("--json", options->json, "One JSON object a row");
  return [options] { return cql(*options); };
}

}  // namespace penstock::main_room
