// SPDX-License-Identifier: Apache-2.0
#include "main/command_line.h"

int main(int argc, char** argv) {
  return penstock::main_room::run_command_line(argc, argv);
}
