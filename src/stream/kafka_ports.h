// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "stream/pipeline.h"
#include "stream/pipeline_runner.h"
#include "stream/ports.h"

namespace penstock::stream {

// The group member behind a pipeline, over client::KafkaConsumer. For the engine's thread, except
// wake().
std::unique_ptr<Source> make_kafka_source(const PipelineSpec& spec,
                                          const ConnectionSettings& settings);

// The dead-letter topic, over an idempotent client::KafkaProducer that is opened with the first
// letter; so is the topic created, if it is missing, with room for the largest record of the
// source.
std::unique_ptr<DeadLetters> make_kafka_dead_letters(const PipelineSpec& spec,
                                                     const ConnectionSettings& settings);

}  // namespace penstock::stream
