// SPDX-License-Identifier: Apache-2.0
#include "main/doctor_probe.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <future>

#include "client/cql_client.h"
#include "client/kafka_client.h"
#include "main/data_dir.h"
#include "net/connection.h"
#include "stream/cql_text.h"
#include "stream/plan.h"
#include "stream/table_fit.h"

namespace penstock::main_room {
namespace {

namespace fs = std::filesystem;

// Says nothing and hears nothing: only whether there is a connection counts.
class Silent final : public net::Session {
  void on_frame(net::Connection&, BytesView) override {}
};
Result<std::size_t> any_frame(BytesView head) {
  return head.size();
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  for (std::size_t from = 0; from <= list.size();) {
    const std::size_t to = std::min(list.find(',', from), list.size());
    if (to > from) parts.push_back(list.substr(from, to - from));
    from = to + 1;
  }
  return parts;
}

std::string with_port(const std::string& address, const char* port) {
  return address.find(':') == std::string::npos ? address + port : address;
}

// Of the partition with the most records; reading needs a right of its own, which no other question
// tests.
Result<void> read_one(const client::KafkaConfig& kafka, const client::TopicPartitionOffset& from,
                      Duration timeout) {
  client::KafkaConsumerConfig config;
  config.kafka = kafka;
  const auto consumer = TRY(client::KafkaConsumer::open(config));
  TRY(consumer->assign({from}));
  client::PollLimits limits;
  limits.records_max = 1;
  limits.wait_max = timeout;
  const client::KafkaBatch batch = TRY(consumer->poll(limits));
  if (batch.empty()) return fail(Code::Timeout, "no record came within the time limit");
  return {};
}

// ScyllaDB says its own version in a table that Cassandra does not have.
std::string cql_product(client::CqlClient& client, const client::CqlServerInfo& server) {
  if (server.atomic_batch_statements_max > 0) return "Penstock";
  const auto scylla = client.query("SELECT version FROM system.versions WHERE key = 'local'");
  if (scylla && !scylla->empty()) return "ScyllaDB " + scylla->cell_text(0, 0);
  return "Apache Cassandra " + server.release_version;
}

// Empty when the server knows no rights (AllowAllAuthorizer), or the user may do everything.
Result<std::vector<Grant>> grants_of(client::CqlClient& client, const std::string& user) {
  const auto roles = TRY(client.query(fmt::format("LIST ROLES OF {}", stream::quoted_name(user))));
  const std::size_t super = TRY(roles.column("super"));
  for (std::size_t row = 0; row < roles.rows(); ++row)
    if (roles.cell_text(row, super) == "True") return std::vector<Grant>();
  const auto listed =
      TRY(client.query(fmt::format("LIST ALL PERMISSIONS OF {}", stream::quoted_name(user))));
  std::vector<Grant> grants{{"none", ""}};  // somebody without any right is not a superuser
  if (listed.empty()) return grants;        // and an answer without rows has no columns either
  const std::size_t permission = TRY(listed.column("permission"));
  const std::size_t resource = TRY(listed.column("resource"));
  for (std::size_t row = 0; row < listed.rows(); ++row) {
    grants.push_back({std::string(listed.cell(row, permission).view()),
                      std::string(listed.cell(row, resource).view())});
  }
  return grants;
}

Duration since(TimePoint began) {
  return system_clock().now() - began;
}

}  // namespace

DoctorProbe::DoctorProbe(const Targets& targets, Duration timeout,
                         std::function<void(Finding)> tell)
    : targets_(targets), timeout_(timeout), tell_(std::move(tell)), loops_(1, "doctor") {}

bool DoctorProbe::nobody_runs() const {
  return !Endpoints::read(targets_.config().data_dir).has_value();
}

void DoctorProbe::data_dir() {
  const Config& config = targets_.config();
  if (!config.kafka.built_in() && !config.cassandra.built_in()) return;
  const std::string folder = config.data_dir.string();
  // What is missing is created below the nearest folder that is there.
  fs::path nearest = fs::absolute(config.data_dir);
  while (!fs::exists(nearest) && nearest.has_parent_path() && nearest != nearest.parent_path())
    nearest = nearest.parent_path();
  if (::access(nearest.c_str(), W_OK | X_OK) != 0) {
    tell_(judge_disk(folder, fail(system_error(errno, "writing to " + nearest.string()))));
    return;
  }
  std::error_code error;
  const fs::space_info space = fs::space(nearest, error);
  if (error) {
    tell_(judge_disk(folder, fail(system_error(error.value(), nearest.string()))));
  } else {
    tell_(judge_disk(folder, space.available));
  }
}

void DoctorProbe::listener(const std::string& what, const net::Address& address) {
  if (address.port == 0) {
    tell_(judge_listener(what, address.text(), {}));
    return;
  }
  net::ListenOptions options;
  options.address = address;
  options.frame_size = any_frame;
  auto free = net::listen({&loops_.at(0)}, options,
                          [](const net::ConnectionPtr&) { return std::make_unique<Silent>(); });
  if (free) (*free)->close();
  tell_(judge_listener(what, address.text(),
                       free ? Result<void>() : Result<void>(fail(free.error()))));
}

Result<void> DoctorProbe::reach(const net::Address& address) {
  std::promise<Result<void>> promise;
  auto answer = promise.get_future();
  net::connect(
      loops_.at(0), address, timeout_, any_frame, {},
      [](const net::ConnectionPtr&) { return std::make_unique<Silent>(); },
      [&promise](Result<net::ConnectionPtr> connection) {
        if (connection) (*connection)->close();
        promise.set_value(connection ? Result<void>() : Result<void>(fail(connection.error())));
      });
  return answer.get();
}

bool DoctorProbe::broker(const std::string& address) {
  const auto tell = [&](const Result<client::ClusterInfo>& cluster, const std::string& product,
                        Duration took) {
    tell_(judge_broker(address, cluster, product, took));
    return cluster.has_value();
  };
  // First without the protocol: librdkafka goes on trying where nothing will come.
  const auto parsed = net::Address::parse(with_port(address, ":9092"));
  if (!parsed) return tell(fail(parsed.error()), "", {});
  if (const auto reached = reach(*parsed); !reached) return tell(fail(reached.error()), "", {});
  client::KafkaConfig kafka = targets_.kafka("penstock-doctor");
  kafka.bootstrap_servers = address;
  const auto admin = client::KafkaAdmin::open(kafka, timeout_);
  if (!admin) return tell(fail(admin.error()), "", {});
  if (auto first = (*admin)->cluster(); !first) return tell(std::move(first), "", {});
  const TimePoint began = system_clock().now();
  const auto cluster = (*admin)->cluster();  // the first one has the handshake in it
  const Duration took = since(began);
  if (!cluster) return tell(cluster, "", {});
  // Not every user may see the configuration; then the product stays unknown.
  const auto configs = (*admin)->broker_configs(cluster->brokers.front().id);
  tell(cluster, kafka_product(configs ? *configs : std::map<std::string, std::string>{}), took);
  for (const client::BrokerInfo& one : cluster->brokers) {
    const net::Address advertised{one.host, static_cast<std::uint16_t>(one.port)};
    if (advertised == *parsed) continue;
    tell_(judge_advertised(advertised.text(), reach(advertised)));
  }
  return true;
}

void DoctorProbe::source(const stream::PipelineSpec& pipeline) {
  client::KafkaConfig kafka = targets_.kafka("penstock-doctor");
  if (!pipeline.source.bootstrap_servers.empty())
    kafka.bootstrap_servers = pipeline.source.bootstrap_servers;
  for (const auto& [name, value] : pipeline.source.properties) kafka.properties[name] = value;
  const auto admin = client::KafkaAdmin::open(kafka, timeout_);
  if (!admin)
    return tell_({Finding::Grade::Bad, "pipeline " + pipeline.name, admin.error().message,
                  "correct the pipeline's source"});
  for (const std::string& topic : pipeline.source.topics) {
    SourceTopic facts{.topic = topic,
                      .group = pipeline.source.group,
                      .info = (*admin)->topic(topic),
                      .records = 0,
                      .behind = 0,
                      .read = {}};
    std::map<std::int32_t, client::Watermarks> marks;
    client::TopicPartitionOffset longest{topic, 0, client::kOffsetEarliest, {}};
    std::int64_t most = 0;
    for (const auto& partition :
         facts.info ? facts.info->partitions : std::vector<client::PartitionInfo>()) {
      const auto mark = (*admin)->watermarks({topic, partition.id});
      if (!mark) continue;  // told by the leader's absence, or by reading below
      marks[partition.id] = *mark;
      const std::int64_t records = mark->high - mark->low;
      facts.records += records;
      if (records > most) longest = {topic, partition.id, mark->low, {}};
      most = std::max(most, records);
    }
    if (const auto offsets = (*admin)->group_offsets(pipeline.source.group); offsets) {
      std::int64_t done = 0;
      for (const auto& offset : *offsets) {
        const auto mark = marks.find(offset.partition);
        if (offset.topic != topic || mark == marks.end() || offset.offset < 0) continue;
        done += std::clamp(offset.offset, mark->second.low, mark->second.high) - mark->second.low;
      }
      facts.behind = facts.records - done;
    } else {
      facts.behind = fail(offsets.error());
    }
    if (most > 0) facts.read = read_one(kafka, longest, timeout_);
    tell_(judge_source(facts));
  }
  if (!pipeline.dlq.topic.empty())
    tell_(judge_dlq(pipeline.dlq.topic, (*admin)->topic(pipeline.dlq.topic)));
}

void DoctorProbe::kafka(const std::vector<stream::PipelineSpec>& pipelines) {
  const Config& config = targets_.config();
  if (config.kafka.built_in() && nobody_runs()) {
    for (const auto& [name, one] : config.kafka.listeners) listener("kafka " + name, one.bind);
    return;
  }
  std::map<std::string, bool> answers;  // by bootstrap list
  const auto check = [&](const std::string& list) {
    if (const auto known = answers.find(list); known != answers.end()) return known->second;
    bool any = false;
    for (const std::string& address : split(list)) any = broker(address) || any;
    return answers[list] = any;
  };
  check(targets_.bootstrap_servers());
  for (const stream::PipelineSpec& pipeline : pipelines) {
    const std::string& own = pipeline.source.bootstrap_servers;
    if (check(own.empty() ? targets_.bootstrap_servers() : own)) source(pipeline);
  }
}

bool DoctorProbe::contact_point(const std::string& address) {
  const auto tell = [&](const Result<CqlFacts>& facts, Duration took = {}) {
    tell_(judge_contact_point(address, facts, took));
    return facts.has_value();
  };
  const auto config = targets_.cassandra({address});
  if (!config) return tell(fail(config.error()));
  if (const auto reached = reach(config->contact_points.front()); !reached)
    return tell(fail(reached.error()));
  const auto client = client::CqlClient::open(*config, loops_.at(0), metrics_);
  const auto server = client->wait_ready(timeout_);
  if (!server) return tell(fail(server.error()));
  const TimePoint began = system_clock().now();
  const auto local = client->query("SELECT data_center FROM system.local");
  const Duration took = since(began);
  if (!local) return tell(fail(local.error()));
  CqlFacts facts;
  facts.product = cql_product(*client, *server);
  facts.protocol = server->protocol_version;
  facts.datacenter = local->empty() ? "unknown" : local->cell_text(0, 0);
  if (server->topology != nullptr) {
    const auto& nodes = server->topology->nodes();
    facts.nodes = nodes.size();
    facts.schema_agrees = std::ranges::all_of(nodes, [&](const client::CqlNode& node) {
      return node.schema_version == nodes.front().schema_version;
    });
  }
  return tell(facts, took);
}

void DoctorProbe::table(const stream::PipelineSpec& pipeline) {
  const stream::CassandraSink& sink = *pipeline.cassandra();
  SinkTable facts{.table = sink.keyspace + "." + sink.table,
                  .create_if_missing = sink.create_if_missing,
                  .there = false,
                  .fits = {}};
  const auto bad = [&](const Error& error) {
    tell_({Finding::Grade::Bad, "table " + facts.table, error.message, ""});
  };
  const auto config = targets_.cassandra(sink.contact_points);
  if (!config) return bad(config.error());
  const auto client = client::CqlClient::open(*config, loops_.at(0), metrics_);
  if (const auto ready = client->wait_ready(timeout_); !ready) return bad(ready.error());
  const auto columns = stream::table_columns(*client, sink);
  if (!columns) return bad(columns.error());
  facts.there = !columns->empty();
  if (facts.there) {
    auto plan = stream::Plan::compile(pipeline);
    if (!plan) return bad(plan.error());
    if (const auto fit = stream::fit_to_table(sink, plan->output(), *columns); !fit) {
      facts.fits = fail(fit.error());
    } else {
      facts.fits = plan->convert_output(fit->types);
    }
  }
  tell_(judge_table(facts));
  if (config->user.empty()) return;
  // A server without an authorizer refuses the question, and lets everybody do everything.
  const auto grants = grants_of(*client, config->user);
  if (!grants || grants->empty()) return;
  if (auto missing = judge_rights(facts, config->user, *grants)) tell_(*std::move(missing));
}

void DoctorProbe::cassandra(const std::vector<stream::PipelineSpec>& pipelines) {
  const Config& config = targets_.config();
  if (config.cassandra.built_in() && nobody_runs()) {
    listener("cassandra", config.cassandra.listen);
    return;
  }
  std::map<std::string, bool> answers;
  const auto check = [&](const std::vector<std::string>& points) {
    bool any = false;
    for (const std::string& point : points) {
      if (!answers.contains(point)) answers[point] = contact_point(point);
      any = answers[point] || any;
    }
    return any;
  };
  check(targets_.contact_points());
  for (const stream::PipelineSpec& pipeline : pipelines) {
    const stream::CassandraSink* sink = pipeline.cassandra();
    if (sink == nullptr) continue;
    if (check(sink->contact_points.empty() ? targets_.contact_points() : sink->contact_points))
      table(pipeline);
  }
}

void DoctorProbe::console() {
  const auto running = Endpoints::read(targets_.config().data_dir);
  if (!running) {
    listener("console", targets_.config().console.listen);
    return;
  }
  const auto address = net::Address::parse(running->console);
  const auto reached = address ? reach(*address) : Result<void>(fail(address.error()));
  const std::string subject = "console " + running->console;
  if (reached) {
    tell_({Finding::Grade::Good, subject, fmt::format("process {} serves it", running->pid), ""});
  } else {
    tell_({Finding::Grade::Bad, subject, reached.error().message,
           fmt::format("process {} runs and does not answer: see its log", running->pid)});
  }
}

}  // namespace penstock::main_room
