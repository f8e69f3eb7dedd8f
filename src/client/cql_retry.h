// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "wire/cql/errors.h"

namespace penstock::client {

enum class RetryAction {
  Fail,      // tell the caller
  SameNode,  // once more, there
  NextNode,  // once more, elsewhere if there is an elsewhere
};

// What the mature drivers agree on, as one table. `error` is the server's answer, or none when the
// connection broke or timed out after the request left (the outcome is then unknown). `attempt`
// counts from 0. An idempotent statement may be repeated whatever happened to it: plain writes by
// key with a client timestamp are. Unprepared is no failure and not asked about.
RetryAction decide_retry(const std::optional<cql::ErrorResponse>& error, bool idempotent,
                         cql::Consistency consistency, int attempt, int attempts_max);

}  // namespace penstock::client
