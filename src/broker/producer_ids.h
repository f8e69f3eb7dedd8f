// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/disk.h"
#include "base/result.h"
#include "wire/kafka/ids.h"

namespace penstock::broker {

// Gives out producer ids, none of them twice, also after a crash: a block of 1000 is reserved on
// disk before its first id is used (file `producer-ids`: the first id of the next block, in
// decimal). On the broker's loop; a new block costs one small synced write there.
class ProducerIds {
 public:
  static constexpr std::int64_t kBlock = 1000;

  static Result<ProducerIds> open(Disk& disk, const std::string& data_dir);
  Result<kafka::ProducerId> next();

 private:
  ProducerIds(Disk& disk, std::string path, std::int64_t first)
      : disk_(&disk), path_(std::move(path)), next_(first), end_(first) {}

  Disk* disk_;
  std::string path_;
  std::int64_t next_;
  std::int64_t end_;  // of the reserved block
};

}  // namespace penstock::broker
