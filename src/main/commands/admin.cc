// SPDX-License-Identifier: Apache-2.0
#include "main/commands/admin.h"

#include "main/exit_code.h"

namespace penstock::main_room {

int with_admin(Targets& targets, const char* client_id,
               const std::function<Result<void>(const client::KafkaAdmin&)>& action) {
  if (!targets.find()) return kBadConfig;
  const auto admin = client::KafkaAdmin::open(targets.kafka(client_id));
  if (!admin) return failed(admin.error());
  const auto done = action(**admin);
  return done ? kOk : failed(done.error());
}

}  // namespace penstock::main_room
