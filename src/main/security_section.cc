// SPDX-License-Identifier: Apache-2.0
#include "main/security_section.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text_file.h"
#include "client/kafka_config.h"
#include "net/tls.h"

namespace penstock::main_room {
namespace {

namespace fs = std::filesystem;

// The value of `key`, or what the file named by `key`_file holds, without the end of its line.
std::string secret(YamlSection& section, const std::string& key, const fs::path& folder) {
  const std::string file_key = key + "_file";
  const YAML::Node by_value = section.node(key);
  const YAML::Node by_file = section.node(file_key);
  std::string value;
  section.text(key, value);
  if (!by_file.IsDefined()) return value;
  if (by_value.IsDefined()) {
    section.problem(by_file, fmt::format("'{}' and '{}' exclude each other", section.path(key),
                                         section.path(file_key)));
    return value;
  }
  std::string file;
  section.text(file_key, file);
  auto text = read_text_file(folder / file);
  if (!text) {
    section.problem(by_file,
                    fmt::format("'{}': {} {}", section.path(file_key), file, text.error().message));
    return value;
  }
  while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
  return *text;
}

void file_property(YamlSection& section, const char* key, const char* property,
                   const fs::path& folder, std::map<std::string, std::string>& into) {
  const YAML::Node given = section.node(key);
  if (!given.IsDefined()) return;
  std::string file;
  section.text(key, file);
  const fs::path path = folder / file;
  if (!fs::exists(path)) {
    section.problem(given,
                    fmt::format("'{}': {} does not exist", section.path(key), path.string()));
  }
  into[property] = path.string();
}

// The word as Kafka writes it; nothing, having said why, when it is none of them.
template <std::size_t N>
std::string one_of(YamlSection& section, const char* key, const std::array<const char*, N>& words) {
  const YAML::Node given = section.node(key);
  std::string word;
  section.text(key, word);
  if (word.empty() || std::find(words.begin(), words.end(), word) != words.end()) return word;
  section.problem(given,
                  fmt::format("'{}' must be one of {}", section.path(key), fmt::join(words, ", ")));
  return {};
}

void read_security(YamlSection& kafka, const fs::path& folder,
                   std::map<std::string, std::string>& into) {
  constexpr std::array kProtocols{"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"};
  constexpr std::array kMechanisms{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"};
  const YAML::Node given = kafka.node("security");
  YamlSection security = kafka.section("security");
  const std::string protocol = one_of(security, "protocol", kProtocols);
  const std::string mechanism = one_of(security, "mechanism", kMechanisms);
  std::string user;
  security.text("username", user);
  const std::string password = secret(security, "password", folder);
  const std::string key_password = secret(security, "key_password", folder);
  bool verify_hostname = true;
  security.boolean("verify_hostname", verify_hostname);
  std::map<std::string, std::string> tls;
  file_property(security, "ca_file", "ssl.ca.location", folder, tls);
  file_property(security, "certificate_file", "ssl.certificate.location", folder, tls);
  file_property(security, "key_file", "ssl.key.location", folder, tls);
  security.finish();
  if (!given.IsDefined()) return;

  const bool sasl = protocol.starts_with("SASL_");
  if (protocol.empty()) {
    security.problem(given,
                     "'kafka.security.protocol' is missing: SSL, SASL_PLAINTEXT or SASL_SSL");
  } else if (sasl && (mechanism.empty() || user.empty() || password.empty())) {
    security.problem(given, fmt::format("'kafka.security.protocol' {} needs mechanism, username "
                                        "and password (or password_file)",
                                        protocol));
  } else if (!sasl && !(mechanism.empty() && user.empty() && password.empty())) {
    security.problem(given, fmt::format("'kafka.security.protocol' {} has no mechanism, username "
                                        "or password; SASL_SSL and SASL_PLAINTEXT have",
                                        protocol));
  }
  if (!protocol.ends_with("SSL") && !tls.empty()) {
    security.problem(given, fmt::format("'kafka.security.protocol' {} has no certificates; SSL and "
                                        "SASL_SSL have",
                                        protocol));
  }
  into.merge(tls);
  into["security.protocol"] = protocol;
  if (sasl) {
    into["sasl.mechanism"] = mechanism;
    into["sasl.username"] = user;
    into["sasl.password"] = password;
  }
  if (!key_password.empty()) into["ssl.key.password"] = key_password;
  if (!verify_hostname) into["ssl.endpoint.identification.algorithm"] = "none";
}

void read_auth(YamlSection& cassandra, const fs::path& folder, client::CqlConfig& into) {
  const YAML::Node given = cassandra.node("auth");
  YamlSection auth = cassandra.section("auth");
  auth.text("username", into.user);
  into.password = secret(auth, "password", folder);
  auth.finish();
  if (given.IsDefined() && (into.user.empty() || into.password.empty()))
    auth.problem(given, "'cassandra.auth' needs username and password (or password_file)");
}

// An empty map is TLS with the machine's own authorities.
void read_tls(YamlSection& cassandra, const fs::path& folder, client::CqlConfig& into) {
  const YAML::Node given = cassandra.node("tls");
  YamlSection tls = cassandra.section("tls");
  std::map<std::string, std::string> files;
  for (const char* key : {"ca_file", "certificate_file", "key_file"})
    file_property(tls, key, key, folder, files);
  net::TlsOptions options{.ca_file = files["ca_file"],
                          .certificate_file = files["certificate_file"],
                          .key_file = files["key_file"],
                          .key_password = secret(tls, "key_password", folder)};
  tls.boolean("verify", options.verify);
  tls.finish();
  if (!given.IsDefined()) return;
  if (options.certificate_file.empty() != options.key_file.empty()) {
    tls.problem(given, "'cassandra.tls' has certificate_file and key_file together, or neither");
  } else if (const auto usable = net::TlsClient::make(options); !usable) {
    tls.problem(given, "'cassandra.tls': " + usable.error().message);
  }
  into.tls = std::move(options);
}

// A connection numbers its requests in 15 bits, and keeps some for its own.
constexpr std::int64_t kInFlightMax = 32'000;

void milliseconds(YamlSection& section, const char* key, Duration& into) {
  auto value = std::chrono::duration_cast<Millis>(into);
  section.duration(key, value, 1);
  into = value;
}

}  // namespace

void read_kafka_security(YamlSection& kafka, const fs::path& folder,
                         std::map<std::string, std::string>& into) {
  const bool real = kafka.has("bootstrap_servers");
  read_security(kafka, folder, into);
  const YAML::Node given = kafka.node("properties");
  YamlSection properties = kafka.section("properties");
  for (const std::string& name : properties.keys()) properties.text(name, into[name]);
  properties.finish();
  for (const char* key : {"security", "properties"}) {
    const YAML::Node at = kafka.node(key);
    if (at.IsDefined() && !real) {
      kafka.problem(at, fmt::format("'{}' is for a real Kafka, and 'kafka.bootstrap_servers' names "
                                    "none",
                                    kafka.path(key)));
    }
  }
  if (const auto known = client::check_properties(into); !known)
    kafka.problem(given.IsDefined() ? given : kafka.node("security"), known.error().message);
}

void read_cassandra_client(YamlSection& cassandra, const fs::path& folder,
                           client::CqlConfig& into) {
  read_auth(cassandra, folder, into);
  read_tls(cassandra, folder, into);
  cassandra.text("local_dc", into.local_dc);
  std::string word;
  cassandra.text("consistency", word);
  if (const auto level = cql::consistency(word); level && !cql::is_serial(*level)) {
    into.consistency = *level;
  } else if (!word.empty()) {
    cassandra.problem(cassandra.node("consistency"),
                      "'cassandra.consistency' must be one of one, two, three, quorum, all, "
                      "local_quorum, each_quorum, local_one, any");
  }
  constexpr std::array kCompressions{"none", "lz4"};
  word = one_of(cassandra, "compression", kCompressions);
  into.compression = word == "lz4" ? cql::Compression::Lz4 : cql::Compression::None;
  constexpr std::array kVersions{"auto", "3", "4", "5"};
  word = one_of(cassandra, "protocol_version", kVersions);
  if (!word.empty() && word != "auto")
    into.protocol_version = static_cast<std::uint8_t>(word[0] - '0');
  milliseconds(cassandra, "request_timeout_ms", into.request_timeout);
  milliseconds(cassandra, "connect_timeout_ms", into.connect_timeout);
  milliseconds(cassandra, "schema_agreement_timeout_ms", into.schema_agreement_timeout);
  cassandra.number("connections_per_node", into.connections_per_node, 1, 64);
  cassandra.number("in_flight_min", into.in_flight_min, 1, kInFlightMax);
  cassandra.number("in_flight_max", into.in_flight_max, 1, kInFlightMax);
  const YAML::Node least = cassandra.node("in_flight_min");
  if (least.IsDefined() && into.in_flight_min > into.in_flight_max) {
    cassandra.problem(least, fmt::format("'cassandra.in_flight_min' is {}, and "
                                         "'cassandra.in_flight_max' is {}",
                                         into.in_flight_min, into.in_flight_max));
  }
  for (const char* key :
       {"auth", "tls", "local_dc", "consistency", "compression", "protocol_version",
        "request_timeout_ms", "connect_timeout_ms", "schema_agreement_timeout_ms",
        "connections_per_node", "in_flight_min", "in_flight_max"}) {
    const YAML::Node given = cassandra.node(key);
    if (!given.IsDefined() || cassandra.has("contact_points")) continue;
    cassandra.problem(given, fmt::format("'cassandra.{}' is for a real Cassandra, and "
                                         "'cassandra.contact_points' names none",
                                         key));
  }
}

}  // namespace penstock::main_room
