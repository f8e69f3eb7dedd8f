// SPDX-License-Identifier: Apache-2.0
#include "main/config.h"

#include <glob.h>

#include <algorithm>
#include <tuple>

#include "base/text_file.h"
#include "base/yaml_text.h"
#include "main/security_section.h"
#include "main/yaml_section_internal.h"

namespace penstock::main_room {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> matches(const fs::path& pattern) {
  std::vector<fs::path> files;
  glob_t found{};
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) files.emplace_back(found.gl_pathv[i]);
  }
  ::globfree(&found);
  return files;
}

fs::path beside(const fs::path& folder, const std::string& path) {
  return fs::path(path).is_absolute() || folder.empty() ? fs::path(path)
                                                        : (folder / path).lexically_normal();
}

void read_listeners(YamlSection& kafka, Config::Kafka& into) {
  const YAML::Node given = kafka.node("listeners");
  YamlSection listeners = kafka.section("listeners");
  if (given.IsDefined()) into.listeners.clear();
  for (const std::string& name : listeners.keys())
    listeners.address(name, into.listeners[name].bind);
  if (given.IsDefined() && into.listeners.empty())
    kafka.problem(given, "'kafka.listeners' must name at least one listener");
  listeners.finish();

  YamlSection advertised = kafka.section("advertised");
  for (auto& [name, listener] : into.listeners) {
    net::Address address;
    if (!advertised.has(name)) continue;
    advertised.address(name, address);
    listener.advertised = address;
  }
  advertised.finish();
}

// The broker's own settings under Kafka's names.
void read_broker(YamlSection& kafka, broker::BrokerConfig& into) {
  kafka.number("broker_id", into.broker_id);
  kafka.number("num_partitions", into.num_partitions, 1, 10'000);
  kafka.boolean("auto_create_topics_enable", into.auto_create_topics_enable);
  kafka.boolean("delete_topic_enable", into.delete_topic_enable);
  kafka.number("log_segment_bytes", into.log_segment_bytes, 4096);
  kafka.duration("log_roll_ms", into.log_roll_ms, 1);
  kafka.duration("log_retention_ms", into.log_retention_ms, -1);
  kafka.number("log_retention_bytes", into.log_retention_bytes, -1);
  kafka.duration("log_retention_check_interval_ms", into.log_retention_check_interval_ms, 1);
  kafka.number("message_max_bytes", into.message_max_bytes, 1024);
  kafka.duration("group_initial_rebalance_delay_ms", into.group_initial_rebalance_delay_ms);
  kafka.duration("group_min_session_timeout_ms", into.group_min_session_timeout_ms, 1);
  kafka.duration("group_max_session_timeout_ms", into.group_max_session_timeout_ms, 1);
  kafka.number("group_max_size", into.group_max_size, 1);
  kafka.number("offsets_topic_num_partitions", into.offsets_topic_num_partitions, 1, 1000);
  kafka.duration("offsets_retention_minutes", into.offsets_retention_minutes, 1);
  kafka.number("socket_request_max_bytes", into.socket_request_max_bytes, 1024);
  kafka.number("fetch_max_bytes", into.fetch_max_bytes, 1024);
  kafka.number("max_connections", into.max_connections, 1);
  kafka.duration("connections_max_idle_ms", into.connections_max_idle_ms);
  kafka.number("queued_max_request_bytes", into.queued_max_request_bytes, 1024);

  std::string replication;
  const YAML::Node given = kafka.node("single_node_replication");
  kafka.text("single_node_replication", replication);
  if (replication == "refuse") into.single_node_replication = broker::Replication::Refuse;
  if (!replication.empty() && replication != "refuse" && replication != "coerce") {
    kafka.problem(given, "'kafka.single_node_replication' must be coerce or refuse");
  }
}

void read_kafka(YamlSection root, const fs::path& folder, Config::Kafka& into) {
  YamlSection kafka = root.section("kafka");
  const YAML::Node real = kafka.node("bootstrap_servers");
  std::vector<std::string> servers;
  kafka.texts("bootstrap_servers", servers);
  for (const std::string& server : servers)
    into.bootstrap_servers += (into.bootstrap_servers.empty() ? "" : ",") + server;
  if (real.IsDefined() && kafka.has("listeners")) {
    kafka.problem(real,
                  "'kafka.bootstrap_servers' (a real Kafka) and 'kafka.listeners' (the built-in "
                  "one) exclude each other");
  }
  read_kafka_security(kafka, folder, into.client_properties);
  read_listeners(kafka, into);
  read_broker(kafka, into.broker);
  kafka.boolean("allow_unauthenticated", into.allow_unauthenticated);
  kafka.refuse(kRefusedKeys);
  kafka.finish();
}

void read_cassandra(YamlSection root, const fs::path& folder, Config::Cassandra& into) {
  YamlSection cassandra = root.section("cassandra");
  const YAML::Node real = cassandra.node("contact_points");
  std::vector<std::string> points;
  cassandra.texts("contact_points", points);
  for (const std::string& point : points) {
    const bool with_port = point.find(':') != std::string::npos;
    const auto parsed = net::Address::parse(with_port ? point : point + ":9042");
    if (parsed) {
      into.contact_points.push_back(*parsed);
    } else {
      cassandra.problem(real, "'cassandra.contact_points': " + parsed.error().message);
    }
  }
  if (real.IsDefined() && cassandra.has("listen")) {
    cassandra.problem(real,
                      "'cassandra.contact_points' (a real one) and 'cassandra.listen' (the "
                      "built-in one) exclude each other");
  }
  cassandra.address("listen", into.listen);
  cassandra.number("block_cache_bytes", into.block_cache_bytes, 1 << 20);
  cassandra.boolean("allow_unauthenticated", into.allow_unauthenticated);
  read_cassandra_client(cassandra, folder, into.client);
  cassandra.refuse(kRefusedKeys);
  cassandra.finish();
}

void read_pipelines(YamlSection& root, const fs::path& folder, Config& into) {
  const YAML::Node given = root.node("pipelines");
  if (!given.IsDefined()) return;
  std::vector<std::string> patterns;
  root.texts("pipelines", patterns);
  into.pipelines.clear();
  for (const std::string& pattern : patterns) {
    const std::vector<fs::path> files = matches(beside(folder, pattern));
    // A pattern may match nothing yet; a plain name that does is a slip.
    if (files.empty() && pattern.find_first_of("*?[") == std::string::npos) {
      root.problem(given,
                   "pipeline file '" + beside(folder, pattern).string() + "' does not exist");
    }
    into.pipelines.insert(into.pipelines.end(), files.begin(), files.end());
  }
}

void read_root(YamlSection root, const fs::path& folder, Config& config) {
  std::string data_dir;
  root.text("data_dir", data_dir);
  if (!data_dir.empty()) config.data_dir = beside(folder, data_dir);
  root.has("kafka");
  root.has("cassandra");
  root.has("console");
  read_kafka(root, folder, config.kafka);
  read_cassandra(root, folder, config.cassandra);
  YamlSection console = root.section("console");
  console.address("listen", config.console.listen);
  console.boolean("allow_unauthenticated", config.console.allow_unauthenticated);
  console.finish();
  read_pipelines(root, folder, config);
  root.refuse(kRefusedKeys);
  root.finish();
}

}  // namespace

std::string Problem::text() const {
  const std::string meant = suggestion.empty() ? "" : "; did you mean '" + suggestion + "'?";
  if (line == 0) return file + ": " + message + meant;
  return fmt::format("{}:{}:{}: {}{}", file, line, column, message, meant);
}

client::CqlConfig Config::real_cassandra() {
  client::CqlConfig config;
  config.consistency = cql::Consistency::LocalQuorum;
  return config;
}

Config Config::built_in(const fs::path& folder) {
  Config config;
  config.data_dir = beside(folder == "." ? fs::path() : folder, "penstock-data");
  config.pipelines = matches(beside(folder == "." ? fs::path() : folder, "pipelines/*.yaml"));
  return config;
}

Config Config::read(const fs::path& file, Problems& problems) {
  const auto text = read_text_file(file);
  if (!text) {
    problems.push_back({file.string(), 0, 0, text.error().message});
    return {};
  }
  return parse(*text, file, problems);
}

Config Config::parse(const std::string& yaml, const fs::path& file, Problems& problems) {
  const fs::path folder = file.parent_path();
  Config config = built_in(folder.empty() ? fs::path(".") : folder);
  if (auto fault = yaml_fault(yaml)) {
    problems.push_back({file.string(), fault->line, fault->column, std::move(fault->message)});
    return config;
  }
  const YAML::Node tree = YAML::Load(yaml);
  read_root(YamlSection(tree, "", file.string(), problems), folder, config);
  config.check(problems, file.string());
  std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
  return config;
}

std::set<std::string> Config::keys() {
  Problems none;
  std::set<std::string> keys;
  Config config;
  read_root(YamlSection(YAML::Node(), "", "", none, &keys), {}, config);
  // The keys of these are names of the user's, or stand in the example as comments.
  for (const char* open :
       {"kafka.advertised.", "kafka.security.", "cassandra.auth.", "cassandra.tls."})
    std::erase_if(keys, [&](const std::string& key) { return key.starts_with(open); });
  return keys;
}

void Config::check(Problems& problems, const std::string& where) const {
  const auto open_to_all = [&](const std::string& what, const net::Address& address, bool allowed,
                               const char* section) {
    if (address.loopback() || allowed) return;
    problems.push_back(
        {where, 0, 0,
         fmt::format(
             "{} {} can be reached from other machines, and there is no authentication yet; use a "
             "loopback address, or write 'allow_unauthenticated: true' under '{}'",
             what, address.text(), section)});
  };
  if (kafka.built_in()) {
    for (const auto& [name, listener] : kafka.listeners) {
      open_to_all("kafka listener " + name, listener.bind, kafka.allow_unauthenticated, "kafka");
      const std::string& host = listener.bind.host;
      if ((host == "0.0.0.0" || host == "::") && !listener.advertised) {
        problems.push_back(
            {where, 0, 0,
             fmt::format(
                 "kafka listener {} binds every address, so it must say where clients find it: "
                 "advertised: {{{}: \"HOST:PORT\"}}",
                 name, name)});
      }
    }
  }
  if (cassandra.built_in()) {
    open_to_all("cassandra.listen", cassandra.listen, cassandra.allow_unauthenticated, "cassandra");
  }
  open_to_all("console.listen", console.listen, console.allow_unauthenticated, "console");
}

}  // namespace penstock::main_room
