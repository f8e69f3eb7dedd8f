// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "main/doctor.h"
#include "main/targets.h"
#include "net/loop.h"
#include "stream/pipeline.h"

namespace penstock::main_room {

// Gathers the facts that doctor.h judges: asks every address of the configuration and of the
// pipelines, and whatever those name in turn. Changes nothing: no topic is created, no group
// joined, no offset committed, no row written.
//
// Blocking: a question takes at most `timeout`. Each finding is told as soon as it is there.
class DoctorProbe {
 public:
  DoctorProbe(const Targets& targets, Duration timeout, std::function<void(Finding)> tell);

  void data_dir();
  // Brokers, and where they say that they are; what each pipeline reads, and its dead letters.
  void kafka(const std::vector<stream::PipelineSpec>& pipelines);
  // Contact points; the tables that the pipelines write, and the rights to.
  void cassandra(const std::vector<stream::PipelineSpec>& pipelines);
  void console();

 private:
  bool nobody_runs() const;  // on the data directory
  void listener(const std::string& what, const net::Address& address);
  Result<void> reach(const net::Address& address);
  bool broker(const std::string& address);  // whether it answers
  void source(const stream::PipelineSpec& pipeline);
  bool contact_point(const std::string& address);  // whether it answers
  void table(const stream::PipelineSpec& pipeline);

  const Targets& targets_;
  const Duration timeout_;
  std::function<void(Finding)> tell_;
  net::Loops loops_;
  Metrics metrics_;
};

}  // namespace penstock::main_room
