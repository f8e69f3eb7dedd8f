// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "http/message.h"
#include "http/router.h"
#include "net/loop.h"
#include "stream/pipeline_runner.h"

namespace penstock::main_room {

// Prints tables to standard output, one whole table at a time.
stream::Console& standard_output();

// The pipelines of this process and what HTTP tells of them. Filled once by start(), constant until
// stop(); the getters may be called from any thread in between.
class Pipelines {
 public:
  // Starts all. On an error none is left running.
  Result<void> start(std::vector<stream::PipelineSpec> specs,
                     const stream::ConnectionSettings& settings, net::Loop& loop, Metrics& metrics);
  ~Pipelines();

  // Drains and checkpoints all at the same time, each within `budget`.
  void stop(Duration budget, net::BlockingPool& pool);
  // Ends their connections, and what the getters tell: nobody may ask any more.
  void close() { runners_.clear(); }

  // /livez, /readyz, /api/pipelines and /api/pipelines/{name}.
  void add_routes(http::Router& router) const;

  std::string list_json() const;                      // {"pipelines": [{..., "progress": latest}]}
  http::Response one(const std::string& name) const;  // with its last progresses; 404
  // 200 when every pipeline reads, 503 with the reasons otherwise.
  http::Response ready() const;
  std::size_t size() const { return runners_.size(); }
  stream::PipelineRunner& front() const { return *runners_.front(); }

 private:
  std::vector<std::unique_ptr<stream::PipelineRunner>> runners_;
};

}  // namespace penstock::main_room
