// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace penstock::main_room {

// The whole program: reads the command line, runs its command, returns the exit code.
int run_command_line(int argc, char** argv);

}  // namespace penstock::main_room
