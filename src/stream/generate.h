// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace penstock::stream {

// Makes people in the shape of the sample record: eleven text fields, about 370 bytes of compact
// JSON, no two with the same id. The same seed gives the same people in the same order on every
// machine. Not thread-safe; a generator costs little, so each thread has its own (give each its
// seed).
class PeopleGenerator {
 public:
  explicit PeopleGenerator(std::uint64_t seed);

  // Replaces `json` by the next person; its capacity is kept.
  void next(Bytes& json);
  // The id of the last person: a version 4 UUID as text. What to use as the record's key.
  const std::string& id() const { return id_; }

 private:
  std::uint64_t random();
  std::uint32_t below(std::uint32_t bound);

  std::uint64_t state_[4];
  std::string id_;
};

}  // namespace penstock::stream
