// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/metrics.h"
#include "base/result.h"
#include "broker/broker.h"
#include "cql/cql_server.h"
#include "http/http_server.h"
#include "main/config.h"
#include "main/data_dir.h"
#include "main/pipelines.h"
#include "net/loop.h"
#include "table/store.h"

namespace penstock::main_room {

// Everything that `penstock up` runs, wired together.
//
// Owns the data directory (DIR/kafka, DIR/cassandra, the lock), the loops and every room. Started
// from the ground up: store, broker, CQL, pipelines, HTTP; the pipelines reach broker and store
// over their real ports, like any client. start() returns when every port answers and
// endpoints.json is written. stop() goes the other way round and returns when all acknowledged work
// is on disk. Both are for the owner's thread.
class Node {
 public:
  static Result<std::unique_ptr<Node>> start(const Config& config,
                                             std::vector<stream::PipelineSpec> pipelines);
  ~Node();  // stop(), waiting for nobody
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  const Endpoints& endpoints() const { return endpoints_; }
  const std::string& bootstrap_servers() const { return settings_.bootstrap_servers; }
  const std::vector<std::string>& contact_points() const {
    return settings_.cassandra_contact_points;
  }
  std::size_t pipelines() const { return pipelines_.size(); }

  // Whoever has not answered by the deadline is not waited for: a client that does not read, a sink
  // that stalls. What was acknowledged is on disk all the same.
  void stop(Deadline deadline);

 private:
  Node(const Config& config, DataDirLock lock);
  Result<void> open_kafka();
  Result<void> open_store();
  Result<void> serve_cql();
  Result<void> serve_http();
  http::Router routes();

  Config config_;
  DataDirLock lock_;
  Metrics metrics_;
  net::Loops loops_;
  net::BlockingPool pool_;
  Endpoints endpoints_;
  stream::ConnectionSettings settings_;
  std::unique_ptr<table::Store> store_;
  std::unique_ptr<broker::Broker> broker_;
  std::unique_ptr<cql_server::CqlServer> cql_;
  Pipelines pipelines_;
  std::unique_ptr<http::HttpServer> http_;
  bool stopped_ = false;
};

}  // namespace penstock::main_room
