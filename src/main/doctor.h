// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "client/kafka_admin.h"

namespace penstock::main_room {

// What `penstock doctor` says of one thing that it looked at.
struct Finding {
  enum class Grade {
    Good,
    Note,  // works, or will; worth knowing
    Bad,   // nothing moves, or not for long, before somebody does what the advice says
  };
  Grade grade = Grade::Good;
  std::string subject;             // "kafka 127.0.0.1:9092", "topic users_data"
  std::string found;               // a product and its version, a state, an error
  std::string advice;              // what to do; empty when nothing is
  std::optional<Duration> took{};  // one question and its answer
};

std::string_view name(Finding::Grade grade);  // "ok", "note", "problem"
// "ok       topic users_data: 4 partitions, 1000 records", the advice on a line of its own.
std::string text(const Finding& finding);

// The judgements: facts in, what to say of them out. Who gathers the facts is doctor_probe.h.

// A broker's product and version by its own configuration: ours says so, Apache Kafka's
// inter.broker.protocol.version is its release until 3.9, and 4.0 dropped it. Empty settings: it
// would not tell us.
std::string kafka_product(const std::map<std::string, std::string>& broker_configs);

Finding judge_broker(const std::string& address, const Result<client::ClusterInfo>& cluster,
                     const std::string& product, Duration took);
// A broker is reached where it says that it is (advertised.listeners), not where we first found it.
Finding judge_advertised(const std::string& advertised, const Result<void>& reached);

// What a pipeline finds in a topic that it reads.
struct SourceTopic {
  std::string topic;
  std::string group;
  Result<client::TopicInfo> info;
  std::int64_t records = 0;
  Result<std::int64_t> behind = 0;  // the group's lag
  Result<void> read;                // one record, as a test of the right to
};
Finding judge_source(const SourceTopic& facts);
Finding judge_dlq(const std::string& topic, const Result<client::TopicInfo>& info);

// What a contact point says of itself.
struct CqlFacts {
  std::string product;  // "Apache Cassandra 5.0.5", "ScyllaDB 6.2.0", "Penstock"
  int protocol = 0;
  std::string datacenter;
  std::size_t nodes = 0;
  bool schema_agrees = true;
};
Finding judge_contact_point(const std::string& address, const Result<CqlFacts>& facts,
                            Duration took);

// A table that a pipeline writes.
struct SinkTable {
  std::string table;  // "keyspace.table"
  bool create_if_missing = false;
  bool there = false;
  Result<void> fits;  // when it is there
};
Finding judge_table(const SinkTable& facts);

// The permissions of a role, as LIST ALL PERMISSIONS tells them: permission and resource
// ("<all keyspaces>", "<keyspace ks>", "<table ks.t>").
struct Grant {
  std::string permission;
  std::string resource;
};
// Nothing to say unless a right is missing that the sink needs.
std::optional<Finding> judge_rights(const SinkTable& table, const std::string& user,
                                    const std::vector<Grant>& grants);

// An address that `penstock up` would listen on, when no process of this data directory does.
Finding judge_listener(const std::string& what, const std::string& address,
                       const Result<void>& free);

// Enough for the day when retention and compaction lag behind; below, everything stops soon.
constexpr std::uint64_t kDiskRoomLeast = std::uint64_t{1} << 30;
Finding judge_disk(const std::string& folder, const Result<std::uint64_t>& bytes_free);

}  // namespace penstock::main_room
