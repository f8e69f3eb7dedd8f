// SPDX-License-Identifier: Apache-2.0
#include "main/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace penstock::main_room {
namespace {

using Grade = Finding::Grade;

// Words that servers and libraries say, and what helps. The first that fits counts.
std::string advice_for(const Error& error, std::string_view address_key, std::string_view section) {
  struct Cure {
    const char* words;
    const char* advice;
  };
  static constexpr std::array kCures{
      Cure{"certificate verify failed",
           "the certificate is of an authority that this machine does not know: name its file in "
           "{section}"},
      Cure{"SSL handshake failed", "is this listener one with TLS? see {section}"},
      Cure{"Host not found", "check the name in {key}, and that this machine can resolve it"},
      Cure{"resolve", "check the name in {key}, and that this machine can resolve it"},
      Cure{"refused", "start the server, or correct {key}"},
  };
  std::string advice;
  for (const Cure& cure : kCures) {
    if (error.message.find(cure.words) == std::string::npos) continue;
    advice = cure.advice;
    break;
  }
  if (advice.empty()) {
    advice =
        error.code == Code::Unauthorized ? "check user and password in {section}"
        : error.code == Code::Timeout
            ? "something listens and does not answer: is it this protocol, with this security? "
              "see {key} and {section}"
            : "see that the server runs and that {key} is its address";
  }
  const auto put = [&](std::string_view mark, std::string_view value) {
    for (auto at = advice.find(mark); at != std::string::npos; at = advice.find(mark))
      advice.replace(at, mark.size(), value);
  };
  put("{key}", address_key);
  put("{section}", section);
  return advice;
}

std::string counted(std::uint64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

}  // namespace

std::string_view name(Grade grade) {
  return grade == Grade::Good ? "ok" : grade == Grade::Note ? "note" : "problem";
}

std::string text(const Finding& finding) {
  std::string line =
      fmt::format("{:<8} {}: {}", name(finding.grade), finding.subject, finding.found);
  if (finding.took)
    line += fmt::format(" ({:.1f} ms)",
                        std::chrono::duration<double, std::milli>(*finding.took).count());
  if (!finding.advice.empty()) line += fmt::format("\n         -> {}", finding.advice);
  return line;
}

std::string kafka_product(const std::map<std::string, std::string>& broker_configs) {
  const auto value = [&](const char* key) {
    const auto found = broker_configs.find(key);
    return found == broker_configs.end() ? std::string() : found->second;
  };
  if (const std::string ours = value("penstock.version"); !ours.empty()) return "Penstock " + ours;
  const bool kraft = !value("process.roles").empty();
  if (const std::string release = value("inter.broker.protocol.version"); !release.empty()) {
    return fmt::format("Apache Kafka {} ({})", release.substr(0, release.find('-')),
                       kraft ? "KRaft" : "ZooKeeper");
  }
  if (kraft) return "Apache Kafka 4 or newer (KRaft)";
  return "a broker that does not say which";
}

Finding judge_broker(const std::string& address, const Result<client::ClusterInfo>& cluster,
                     const std::string& product, Duration took) {
  const std::string subject = "kafka " + address;
  if (!cluster) {
    return {Grade::Bad, subject, cluster.error().message,
            advice_for(cluster.error(), "kafka.bootstrap_servers", "kafka.security")};
  }
  return {Grade::Good, subject,
          fmt::format("{}, cluster {}, {}", product, cluster->id,
                      counted(cluster->brokers.size(), "broker")),
          "", took};
}

Finding judge_advertised(const std::string& advertised, const Result<void>& reached) {
  const std::string subject = "kafka broker " + advertised;
  if (reached) return {Grade::Good, subject, "answers at the address that it advertises", ""};
  return {
      Grade::Bad, subject,
      "is advertised by the cluster, and cannot be reached from here: " + reached.error().message,
      "set the broker's advertised.listeners to an address that this machine can reach"};
}

Finding judge_source(const SourceTopic& facts) {
  const std::string subject = "topic " + facts.topic;
  if (!facts.info) {
    if (facts.info.error().code == Code::NotFound) {
      return {
          Grade::Note, subject, "is not there yet",
          fmt::format("the pipeline creates it with the broker's defaults; for another number of "
                      "partitions: penstock topic create {} --partitions 12",
                      facts.topic)};
    }
    return {Grade::Bad, subject, facts.info.error().message,
            "give the user of kafka.security the rights DESCRIBE and READ on the topic"};
  }
  std::size_t leaderless = 0;
  for (const client::PartitionInfo& partition : facts.info->partitions)
    leaderless += partition.leader < 0 ? 1 : 0;
  if (leaderless > 0) {
    return {Grade::Bad, subject,
            fmt::format("{} of {} have no leader", leaderless,
                        counted(facts.info->partitions.size(), "partition")),
            "bring back the brokers that hold them"};
  }
  if (!facts.read) {
    return {Grade::Bad, subject, "cannot be read: " + facts.read.error().message,
            "give the user of kafka.security the right READ on the topic"};
  }
  if (!facts.behind) {
    return {Grade::Bad, subject,
            fmt::format("the offsets of group {} cannot be read: {}", facts.group,
                        facts.behind.error().message),
            facts.behind.error().code == Code::Unauthorized
                ? "give the user of kafka.security the right READ on the group"
                : "a cluster that keeps its first group takes some seconds to begin: run doctor "
                  "again; if it stays, bring back the brokers that hold __consumer_offsets"};
  }
  return {Grade::Good, subject,
          fmt::format("{}, {}, group {} is {} behind",
                      counted(facts.info->partitions.size(), "partition"),
                      counted(static_cast<std::uint64_t>(facts.records), "record"), facts.group,
                      *facts.behind),
          ""};
}

Finding judge_dlq(const std::string& topic, const Result<client::TopicInfo>& info) {
  const std::string subject = "dead-letter topic " + topic;
  if (info) return {Grade::Good, subject, counted(info->partitions.size(), "partition"), ""};
  if (info.error().code == Code::NotFound) {
    return {Grade::Note, subject, "is not there yet; the pipeline creates it", ""};
  }
  return {Grade::Bad, subject, info.error().message,
          "give the user of kafka.security the rights DESCRIBE and WRITE on the topic: without it "
          "the pipeline stands still at the first bad record"};
}

Finding judge_contact_point(const std::string& address, const Result<CqlFacts>& facts,
                            Duration took) {
  const std::string subject = "cassandra " + address;
  if (!facts) {
    return {Grade::Bad, subject, facts.error().message,
            advice_for(facts.error(), "cassandra.contact_points", "cassandra.auth")};
  }
  std::string found =
      fmt::format("{}, protocol v{}, datacenter {}, {}", facts->product, facts->protocol,
                  facts->datacenter, counted(facts->nodes, "node"));
  if (!facts->schema_agrees) {
    return {Grade::Bad, subject, found + "; its nodes do not agree on the schema",
            "wait for the nodes that are down, or see `nodetool describecluster`"};
  }
  return {Grade::Good, subject, std::move(found), "", took};
}

Finding judge_table(const SinkTable& facts) {
  const std::string subject = "table " + facts.table;
  if (!facts.there) {
    if (facts.create_if_missing)
      return {Grade::Note, subject, "is not there yet; the pipeline creates it", ""};
    return {Grade::Bad, subject, "does not exist",
            "create it, or set create_if_missing: true in the pipeline"};
  }
  if (!facts.fits) {
    return {Grade::Bad, subject, facts.fits.error().message,
            "change the table or the pipeline's schema: nothing is written before"};
  }
  return {Grade::Good, subject, "is there, and takes the pipeline's columns", ""};
}

std::optional<Finding> judge_rights(const SinkTable& table, const std::string& user,
                                    const std::vector<Grant>& grants) {
  const std::string keyspace = table.table.substr(0, table.table.find('.'));
  const auto has = [&](const char* permission) {
    return std::ranges::any_of(grants, [&](const Grant& grant) {
      return grant.permission == permission &&
             (grant.resource == "<all keyspaces>" ||
              grant.resource == fmt::format("<keyspace {}>", keyspace) ||
              grant.resource == fmt::format("<table {}>", table.table));
    });
  };
  // Who creates a table has all permissions on it.
  const char* needed = table.there ? "MODIFY" : "CREATE";
  if (!has(needed)) {
    return Finding{Grade::Bad, "table " + table.table,
                   fmt::format("user {} has not the permission {}", user, needed),
                   fmt::format("as a superuser: GRANT {} ON {} TO {};", needed,
                               table.there ? "TABLE " + table.table : "ALL KEYSPACES", user)};
  }
  return std::nullopt;
}

Finding judge_listener(const std::string& what, const std::string& address,
                       const Result<void>& free) {
  const std::string subject = fmt::format("{} {}", what, address);
  if (free)
    return {Grade::Note, subject, "built in; nothing listens yet: `penstock up` starts it", ""};
  return {Grade::Bad, subject, free.error().message,
          "end the program that has the port, or choose another one in the configuration"};
}

Finding judge_disk(const std::string& folder, const Result<std::uint64_t>& bytes_free) {
  const std::string subject = "data directory " + folder;
  if (!bytes_free) {
    return {Grade::Bad, subject, bytes_free.error().message,
            "make it writable for this user, or name another one as data_dir"};
  }
  const std::string found =
      fmt::format("{:.1f} GiB free", static_cast<double>(*bytes_free) / (1 << 30));
  if (*bytes_free < kDiskRoomLeast)
    return {Grade::Bad, subject, found,
            "make room before the disk is full: then every write fails"};
  return {Grade::Good, subject, found, ""};
}

}  // namespace penstock::main_room
