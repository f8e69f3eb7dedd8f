// SPDX-License-Identifier: Apache-2.0
// Our small interface over librdkafka, whose header stays in the .cc files.
#pragma once

#include "client/kafka_admin.h"     // IWYU pragma: export
#include "client/kafka_batch.h"     // IWYU pragma: export
#include "client/kafka_config.h"    // IWYU pragma: export
#include "client/kafka_consumer.h"  // IWYU pragma: export
#include "client/kafka_producer.h"  // IWYU pragma: export
