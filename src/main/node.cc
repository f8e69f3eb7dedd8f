// SPDX-License-Identifier: Apache-2.0
#include "main/node.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <future>

#include "base/crc32c.h"
#include "base/logging.h"
#include "main/process_metrics.h"

namespace penstock::main_room {
namespace {

constexpr std::size_t kBlockingThreads = 4;

// Who we are to a consumer group, also after a kill -9: the lock on the data directory makes sure
// that there is only one of us.
std::string group_instance(const std::filesystem::path& data_dir) {
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  return fmt::format("penstock-{}-{:08x}", host,
                     crc32c(std::filesystem::absolute(data_dir).lexically_normal().string()));
}

std::size_t loop_count() {
  return static_cast<std::size_t>(std::max(2L, ::sysconf(_SC_NPROCESSORS_ONLN)));
}

}  // namespace

Node::Node(const Config& config, DataDirLock lock)
    : config_(config),
      lock_(std::move(lock)),
      loops_(loop_count(), "loop"),
      pool_(kBlockingThreads, "blocking") {}

Result<std::unique_ptr<Node>> Node::start(const Config& config,
                                          std::vector<stream::PipelineSpec> pipelines) {
  DataDirLock lock = TRY(DataDirLock::take(config.data_dir));
  Endpoints::remove(config.data_dir);  // of a process that was killed
  std::unique_ptr<Node> node(new Node(config, std::move(lock)));
  node->settings_.group_instance = group_instance(config.data_dir);

  // The store and the log recover side by side.
  std::promise<Result<void>> store_opened;
  node->pool_.run([&] { store_opened.set_value(node->open_store()); });
  const Result<void> kafka_opened = node->open_kafka();
  TRY(store_opened.get_future().get());
  TRY(kafka_opened);
  TRY(node->serve_cql());
  TRY(node->pipelines_.start(std::move(pipelines), node->settings_, node->loops_.at(1),
                             node->metrics_));
  TRY(node->serve_http());
  node->endpoints_.pid = ::getpid();
  TRY(node->endpoints_.write(config.data_dir));
  return node;
}

Result<void> Node::open_kafka() {
  if (!config_.kafka.built_in()) {
    settings_.bootstrap_servers = config_.kafka.bootstrap_servers;
    settings_.kafka_properties = config_.kafka.client_properties;
    return {};
  }
  config_.kafka.broker.version = PENSTOCK_VERSION;
  broker_ = TRY(broker::Broker::open(config_.kafka.broker, (config_.data_dir / "kafka").string(),
                                     loops_.at(0), pool_, metrics_));
  TRY(broker_->listen(config_.kafka.listeners));
  for (const auto& [name, address] : broker_->advertised()) endpoints_.kafka[name] = address.text();
  // Our own clients come in at the first loopback listener; what it advertises leads them back to
  // us.
  const auto& bound = broker_->addresses();
  const auto near =
      std::find_if(bound.begin(), bound.end(), [](const auto& l) { return l.second.loopback(); });
  const auto plain = bound.find("PLAINTEXT");
  const bool plain_is_near = plain != bound.end() && plain->second.loopback();
  settings_.bootstrap_servers = (plain_is_near         ? plain
                                 : near != bound.end() ? near
                                                       : bound.begin())
                                    ->second.text();
  return {};
}

Result<void> Node::open_store() {
  if (!config_.cassandra.built_in()) {
    settings_.cassandra = config_.cassandra.client;
    for (const net::Address& point : config_.cassandra.contact_points) {
      settings_.cassandra_contact_points.push_back(point.text());
    }
    return {};
  }
  table::StoreOptions options;
  options.block_cache_bytes = static_cast<std::size_t>(config_.cassandra.block_cache_bytes);
  store_ =
      TRY(table::Store::open(config_.data_dir / "cassandra", options, metrics_, system_clock()));
  return {};
}

Result<void> Node::serve_cql() {
  if (store_ == nullptr) return {};
  std::vector<net::Loop*> loops;
  // Away from the broker's loop first: a connection gets the loops in turn, and the pipeline's is
  // the first.
  for (std::size_t i = 0; i < loops_.size(); ++i) loops.push_back(&loops_.at(i + 1));
  cql_ = TRY(cql_server::CqlServer::open({}, *store_, std::move(loops), pool_, metrics_));
  TRY(cql_->listen(config_.cassandra.listen));
  endpoints_.cassandra = cql_->address().text();
  settings_.cassandra_contact_points = {endpoints_.cassandra};
  settings_.cassandra.protocol_version = cql::kServedVersionMax;  // known, so not asked for
  return {};
}

Result<void> Node::serve_http() {
  http::HttpOptions options;
  options.address = config_.console.listen;
  http_ = TRY(http::HttpServer::listen(loops_.at(1), options, routes()));
  endpoints_.console = http_->address().text();
  return {};
}

http::Router Node::routes() {
  note_start(metrics_);
  http::Router router;
  router.add("GET", "/", [](const http::Request&) {
    return http::text("Penstock " PENSTOCK_VERSION
                      "\n\n/metrics\n/livez\n/readyz\n/api/pipelines\n/api/pipelines/{name}\n");
  });
  router.add("GET", "/metrics", [this](const http::Request&) { return metrics_page(metrics_); });
  pipelines_.add_routes(router);
  return router;
}

void Node::stop(Deadline deadline) {
  if (std::exchange(stopped_, true)) return;
  Endpoints::remove(config_.data_dir);
  // First, since a scan may take longer than we have, and the pipelines need the processor.
  if (store_ != nullptr) store_->end_reads();
  pipelines_.stop(deadline.left() * 2 / 3, pool_);
  if (http_ != nullptr) http_->close(deadline.left() / 4);
  pipelines_.close();  // before the servers that their clients would look for
  if (cql_ != nullptr) cql_->stop();
  if (broker_ != nullptr) broker_->stop(deadline.left());
  if (store_ != nullptr) store_->close();
}

Node::~Node() {
  stop(Deadline(Duration(0)));
  // Handlers and runners point into the rooms: gone before the loops and the pool they run on.
  http_.reset();
  cql_.reset();
}

}  // namespace penstock::main_room
