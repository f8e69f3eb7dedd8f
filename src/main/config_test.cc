// SPDX-License-Identifier: Apache-2.0
#include "main/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <fstream>

namespace penstock::main_room {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

std::vector<std::string> problems_of(const std::string& yaml) {
  Problems problems;
  Config::parse(yaml, "p.yaml", problems);
  std::vector<std::string> texts;
  for (const Problem& problem : problems) texts.push_back(problem.text());
  return texts;
}
Config good(const std::string& yaml) {
  Problems problems;
  Config config = Config::parse(yaml, "/etc/penstock/p.yaml", problems);
  for (const Problem& problem : problems) ADD_FAILURE() << problem.text();
  return config;
}

TEST(Config, EmptyFileIsAllBuiltIn) {
  const Config config = good("");
  EXPECT_TRUE(config.kafka.built_in());
  EXPECT_TRUE(config.cassandra.built_in());
  EXPECT_EQ(config.kafka.listeners.at("PLAINTEXT").bind.text(), "127.0.0.1:9092");
  EXPECT_EQ(config.kafka.listeners.at("INTERNAL").bind.text(), "127.0.0.1:29092");
  EXPECT_EQ(config.data_dir, "/etc/penstock/penstock-data");
}

TEST(Config, ListenersReplaceTheDefaultsAndMayAdvertiseAnotherAddress) {
  const Config config = good(R"(
kafka:
  listeners: {A: "127.0.0.1:0", B: "localhost:7000"}
  advertised: {B: "kafka.example:9092"}
  num_partitions: 4
  log_retention_ms: -1
)");
  EXPECT_EQ(config.kafka.listeners.size(), 2);
  EXPECT_FALSE(config.kafka.listeners.at("A").advertised);
  EXPECT_EQ(config.kafka.listeners.at("B").advertised->text(), "kafka.example:9092");
  EXPECT_EQ(config.kafka.broker.num_partitions, 4);
  EXPECT_EQ(config.kafka.broker.log_retention_ms.count(), -1);
}

TEST(Config, RealOnesAreAddresses) {
  const Config config = good(R"(
kafka: {bootstrap_servers: "k1:9092,k2:9092"}
cassandra: {contact_points: ["c1", "c2:9043"]}
)");
  EXPECT_FALSE(config.kafka.built_in());
  EXPECT_EQ(config.kafka.bootstrap_servers, "k1:9092,k2:9092");
  EXPECT_THAT(config.cassandra.contact_points,
              ElementsAre(net::Address{"c1", 9042}, net::Address{"c2", 9043}));
}

TEST(Config, TheClientOfARealCassandraIsConfigured) {
  const Config config = good(R"(
cassandra:
  contact_points: [c1]
  local_dc: dc1
  consistency: quorum
  compression: lz4
  protocol_version: 4
  connections_per_node: 2
  in_flight_min: 10
  in_flight_max: 100
  request_timeout_ms: 1500
  tls: {verify: false}
)");
  const client::CqlConfig& client = config.cassandra.client;
  EXPECT_EQ(client.local_dc, "dc1");
  EXPECT_EQ(client.consistency, cql::Consistency::Quorum);
  EXPECT_EQ(client.compression, cql::Compression::Lz4);
  EXPECT_EQ(client.protocol_version, 4);
  EXPECT_EQ(client.connections_per_node, 2);
  EXPECT_EQ(client.in_flight_min, 10);
  EXPECT_EQ(client.in_flight_max, 100);
  EXPECT_EQ(client.request_timeout, Millis(1500));
  ASSERT_TRUE(client.tls);
  EXPECT_FALSE(client.tls->verify);
  const client::CqlConfig plain = good("cassandra: {contact_points: [c1]}").cassandra.client;
  EXPECT_EQ(plain.consistency, cql::Consistency::LocalQuorum);
  EXPECT_FALSE(plain.tls);
  EXPECT_FALSE(plain.protocol_version);
  EXPECT_FALSE(good("cassandra: {contact_points: [c1], protocol_version: auto}")
                   .cassandra.client.protocol_version);
  EXPECT_TRUE(good("cassandra: {contact_points: [c1], tls: {}}").cassandra.client.tls->verify);
}

TEST(Config, AClientOfCassandraThatCannotWorkIsNamed) {
  const auto cassandra = [](const std::string& rest) {
    return problems_of("cassandra: {contact_points: [c], " + rest + "}");
  };
  EXPECT_THAT(cassandra("consistency: most"), ElementsAre(HasSubstr("must be one of one, two")));
  EXPECT_THAT(cassandra("consistency: serial"), ElementsAre(HasSubstr("must be one of one, two")));
  EXPECT_THAT(cassandra("compression: snappy"), ElementsAre(HasSubstr("must be one of none, lz4")));
  EXPECT_THAT(
      cassandra("protocol_version: 6"),
      ElementsAre(AllOf(HasSubstr("p.yaml:1:52: "),
                        HasSubstr("'cassandra.protocol_version' must be one of auto, 3, 4, 5"))));
  EXPECT_THAT(cassandra("in_flight_max: 40000"), ElementsAre(HasSubstr("from 1 to 32000")));
  EXPECT_THAT(cassandra("in_flight_max: 10"), IsEmpty());
  EXPECT_THAT(cassandra("in_flight_max: 10, in_flight_min: 11"),
              ElementsAre(AllOf(HasSubstr("p.yaml:1:68: "),
                                HasSubstr("'cassandra.in_flight_min' is 11, and"))));
  EXPECT_THAT(cassandra("tls: {key_file: p.key}"), Contains(HasSubstr("together, or neither")));
  EXPECT_THAT(cassandra("tls: {ca: a}"), ElementsAre(HasSubstr("unknown key")));
  EXPECT_THAT(cassandra("tls: {ca_file: none.pem}"), Contains(HasSubstr("does not exist")));
  EXPECT_THAT(problems_of("cassandra: {local_dc: dc1}"),
              ElementsAre(HasSubstr("'cassandra.local_dc' is for a real Cassandra")));
}

TEST(Config, EveryProblemIsNamedWithItsPlace) {
  EXPECT_THAT(
      problems_of("kafak: {}\nkafka:\n  num_partition: 3\n  message_max_bytes: lots\nconsole:\n  "
                  "listen: nowhere\n"),
      ElementsAre(
          "p.yaml:1:1: unknown key 'kafak'; did you mean 'kafka'?",
          "p.yaml:3:3: unknown key 'kafka.num_partition'; did you mean 'num_partitions'?",
          "p.yaml:4:22: 'kafka.message_max_bytes' must be a whole number from 1024 to 2147483647",
          HasSubstr("p.yaml:6:11: 'console.listen': ")));
}

TEST(Config, BrokenYamlSaysWhere) {
  EXPECT_THAT(problems_of("kafka: {listeners: [\n"), ElementsAre(HasSubstr("p.yaml:2:1: ")));
  EXPECT_THAT(problems_of("- a list\n"),
              ElementsAre("p.yaml:1:1: the file must be a map of keys and values"));
}

TEST(Config, NothingOfAFileIsLeftUnreadInSilence) {
  const auto rest = HasSubstr("here begins what does not belong to the document before");
  EXPECT_THAT(problems_of("data_dir: a\n---\ndata_dir: b\n"),
              ElementsAre(AllOf(HasSubstr("p.yaml:2:1: "), rest)));
  EXPECT_THAT(problems_of(",data_dir: a\n"), ElementsAre(AllOf(HasSubstr("p.yaml:1:1: "), rest)));
  EXPECT_THAT(problems_of("---\ndata_dir: a\n...\n# the end\n"), IsEmpty());
}

TEST(Config, BytesThatYamlCppDoesNotSurviveNeverReachIt) {
  // yaml-cpp does not come back from these twelve.
  const std::string endless("\x2cU\x0b\xa9/\x81\0\0\x84\xd5\xa1 ", 12);
  EXPECT_THAT(problems_of(endless), ElementsAre("p.yaml: the file is not UTF-8 text"));
  EXPECT_THAT(problems_of("kafka: \xff"), ElementsAre("p.yaml: the file is not UTF-8 text"));
  EXPECT_THAT(problems_of(std::string(100'000, '[')),
              ElementsAre("p.yaml: the file is nested too deeply"));
}

TEST(Config, ListeningBeyondTheMachineMustBeSaidByName) {
  EXPECT_THAT(problems_of("cassandra: {listen: \"0.0.0.0:9042\"}"),
              ElementsAre(HasSubstr("allow_unauthenticated")));
  EXPECT_THAT(problems_of("cassandra: {listen: \"0.0.0.0:9042\", allow_unauthenticated: true}"),
              IsEmpty());
  EXPECT_THAT(problems_of("kafka: {listeners: {A: \"0.0.0.0:9092\"}, allow_unauthenticated: true}"),
              ElementsAre(HasSubstr("advertised: {A: \"HOST:PORT\"}")));
}

TEST(Config, WhatIsNotBuiltYetIsRefusedByName) {
  EXPECT_THAT(problems_of("dags: dags"), ElementsAre(HasSubstr("'dags' is not supported yet")));
  EXPECT_THAT(problems_of("metadata: sqlite"),
              ElementsAre(HasSubstr("'metadata' is not supported yet")));
}

// The example is where people look settings up.
class ExampleFile : public testing::Test {
 protected:
  static std::string text() {
    std::ifstream in(PENSTOCK_ROOT_DIR "/penstock.example.yaml");
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

TEST_F(ExampleFile, HasEveryKeyThatIsRead) {
  std::set<std::string> shown{"kafka.advertised",
                              "kafka.bootstrap_servers",
                              "kafka.security",
                              "kafka.properties",
                              "cassandra.contact_points",
                              "cassandra.auth",
                              "cassandra.tls",
                              "cassandra.local_dc",
                              "cassandra.consistency",
                              "cassandra.compression",
                              "cassandra.protocol_version",
                              "cassandra.connections_per_node",
                              "cassandra.in_flight_min",
                              "cassandra.in_flight_max",
                              "cassandra.request_timeout_ms",
                              "cassandra.connect_timeout_ms",
                              "cassandra.schema_agreement_timeout_ms"};  // in comments
  for (const std::string& key : shown)
    EXPECT_THAT(text(), HasSubstr(key.substr(key.find('.') + 1) + ":"));
  for (const auto& section : YAML::Load(text())) {
    const std::string name = section.first.Scalar();
    shown.insert(name);
    if (!section.second.IsMap()) continue;
    for (const auto& entry : section.second) shown.insert(name + "." + entry.first.Scalar());
  }
  EXPECT_EQ(shown, Config::keys());
}

TEST_F(ExampleFile, ShowsTheDefaults) {
  EXPECT_TRUE(good(text()) == good(""));
}

TEST(Config, EnvironmentStandsInValues) {
  ::setenv("PENSTOCK_TEST_PORT", "7777", 1);
  EXPECT_EQ(good("console: {listen: \"127.0.0.1:${PENSTOCK_TEST_PORT}\"}").console.listen.port,
            7777);
  EXPECT_EQ(good("data_dir: ${PENSTOCK_TEST_NONE:-/var/lib/p}").data_dir, "/var/lib/p");
  EXPECT_THAT(problems_of("data_dir: ${PENSTOCK_TEST_NONE}"),
              ElementsAre(HasSubstr("'PENSTOCK_TEST_NONE' is not set")));
}

TEST(Config, SecurityOfARealKafkaBecomesTheClientsProperties) {
  ::setenv("PENSTOCK_TEST_PASSWORD", "hush", 1);
  const Config config = good(
      "kafka:\n  bootstrap_servers: k\n  security: {protocol: SASL_SSL, mechanism: SCRAM-SHA-512, "
      "username: me, password: \"${PENSTOCK_TEST_PASSWORD}\", verify_hostname: false}\n"
      "  properties: {socket.keepalive.enable: true}\n");
  EXPECT_THAT(config.kafka.client_properties,
              UnorderedElementsAre(Pair("security.protocol", "SASL_SSL"),
                                   Pair("sasl.mechanism", "SCRAM-SHA-512"),
                                   Pair("sasl.username", "me"), Pair("sasl.password", "hush"),
                                   Pair("ssl.endpoint.identification.algorithm", "none"),
                                   Pair("socket.keepalive.enable", "true")));
}

TEST(Config, ASecretMayStandInAFile) {
  const std::string folder = testing::TempDir() + "penstock_secret";
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/password") << "hush\n";
  Problems problems;
  const Config config = Config::parse(
      "cassandra: {contact_points: [c], auth: {username: me, password_file: password}}",
      folder + "/p.yaml", problems);
  EXPECT_TRUE(problems.empty());
  EXPECT_EQ(config.cassandra.client.user, "me");
  EXPECT_EQ(config.cassandra.client.password, "hush");
}

TEST(Config, SecurityThatCannotWorkIsNamed) {
  const auto kafka = [](const std::string& rest) {
    return problems_of("kafka: {bootstrap_servers: k, " + rest + "}");
  };
  EXPECT_THAT(kafka("security: {protocol: SASL_SSL, mechanism: PLAIN, username: me}"),
              ElementsAre(HasSubstr("p.yaml:1:41: 'kafka.security.protocol' SASL_SSL needs")));
  EXPECT_THAT(kafka("security: {protocol: SSL, username: me}"),
              ElementsAre(HasSubstr("SSL has no mechanism")));
  EXPECT_THAT(kafka("security: {protocol: TLS}"),
              Contains(HasSubstr("'kafka.security.protocol' must be one of PLAINTEXT, SSL, ")));
  EXPECT_THAT(kafka("security: {protocol: SSL, ca_file: none.pem}"),
              Contains(HasSubstr("none.pem does not exist")));
  EXPECT_THAT(kafka("security: {protocol: SASL_SSL, mechanism: PLAIN, username: me, "
                    "password: a, password_file: b}"),
              Contains(HasSubstr("exclude each other")));
  EXPECT_THAT(kafka("properties: {sokcet.keepalive.enable: true}"),
              ElementsAre(HasSubstr("No such configuration property")));
  EXPECT_THAT(kafka("properties: {sasl.oauthbearer.method: hush}"),
              ElementsAre(AllOf(HasSubstr("sasl.oauthbearer.method"), Not(HasSubstr("hush")))));
  EXPECT_THAT(problems_of("kafka: {security: {protocol: SSL}}"),
              ElementsAre(HasSubstr("is for a real Kafka")));
  EXPECT_THAT(problems_of("cassandra: {auth: {username: me, password: p}}"),
              ElementsAre(HasSubstr("is for a real Cassandra")));
}

TEST(Config, MissingPipelineFileIsASlipAndAnEmptyPatternIsNot) {
  EXPECT_THAT(problems_of("pipelines: [nowhere.yaml]"),
              ElementsAre(HasSubstr("'nowhere.yaml' does not exist")));
  EXPECT_THAT(problems_of("pipelines: [\"nowhere/*.yaml\"]"), IsEmpty());
}

}  // namespace
}  // namespace penstock::main_room
