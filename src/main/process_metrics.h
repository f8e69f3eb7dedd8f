// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/metrics.h"
#include "http/message.h"

namespace penstock::main_room {

// What is told of the process itself, whichever command it runs.

void note_start(Metrics& metrics);  // once: the version, and when the process began
http::Response metrics_page(
    Metrics& metrics);  // /metrics, the process's figures as of now; any thread

}  // namespace penstock::main_room
