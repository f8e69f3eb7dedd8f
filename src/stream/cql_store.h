// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "net/loop.h"
#include "stream/pipeline.h"
#include "stream/pipeline_runner.h"
#include "stream/ports.h"

namespace penstock::stream {

// The table behind a cassandra sink, over client::CqlClient on `loop`. Keeps positions in
// penstock.checkpoints (docs/formats/checkpoint.md): in the same atomic batch as the rows where the
// server offers that, after them elsewhere.
std::unique_ptr<Store> make_cql_store(const PipelineSpec& spec, const CassandraSink& sink,
                                      const ConnectionSettings& settings, net::Loop& loop,
                                      Metrics& metrics);

// For a pipeline that only prints: every row is done at once; positions are the group's.
std::unique_ptr<Store> make_no_store();

}  // namespace penstock::stream
