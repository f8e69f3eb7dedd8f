// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "client/kafka_client.h"
#include "main/targets.h"

namespace penstock::main_room {

// Runs `action` with an admin client of the brokers that `targets` finds; returns the exit code,
// having said on standard error what went wrong.
int with_admin(Targets& targets, const char* client_id,
               const std::function<Result<void>(const client::KafkaAdmin&)>& action);

}  // namespace penstock::main_room
