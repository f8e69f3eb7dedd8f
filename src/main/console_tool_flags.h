// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "main/properties.h"

namespace CLI {
class App;
}

namespace penstock::main_room {

// Declare the flags of kafka-console-producer and kafka-console-consumer that are settings of the
// Kafka client under another name, and those that cannot be served, which fail the command line
// with what to use instead. `settings` gets librdkafka's names; it must live as long as `app`.
void add_console_producer_flags(CLI::App& app, Properties& settings);
void add_console_consumer_flags(CLI::App& app, Properties& settings);

// All of them as a table of COMPAT.md.
std::string console_tool_flags_markdown();

}  // namespace penstock::main_room
