// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "client/kafka_config.h"
#include "stream/pipeline.h"
#include "stream/pipeline_runner.h"
#include "stream/ports.h"

namespace penstock::stream {

// How the cluster of the pipeline's source is reached, by its consumer and by the producer of its
// dead letters: the configuration's addresses and properties, or the pipeline's own where it has
// some. Of source.properties only what concerns connections is here, the rest is the consumer's.
client::KafkaConfig source_cluster(const PipelineSpec& spec, const ConnectionSettings& settings);

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
