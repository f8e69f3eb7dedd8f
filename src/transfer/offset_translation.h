// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace penstock::transfer {

// Where committed offsets of one partition stand in its copy. Offsets of the two differ, since logs
// have gaps (retention, compaction, markers of transactions); what they share is the order of the
// records. An offset means "the next record is the first one at or above it", so it becomes the
// offset of that record's copy; when there is none, the end of the copy.
//
// Fed with every offset of both, each ascending; a value, no I/O.
class OffsetTranslation {
 public:
  // The source's offsets that will be asked for, in any order.
  explicit OffsetTranslation(std::vector<std::int64_t> wanted = {});

  void source(std::int64_t offset);  // the next exported record
  void source_end();
  void target(std::int64_t offset);      // the next record of the copy
  void target_end(std::int64_t offset);  // after the last one

  // Of a wanted offset, after both ends.
  std::int64_t translate(std::int64_t source_offset) const;

 private:
  struct Place {
    std::int64_t source = 0;
    std::uint64_t index = 0;  // of the record that comes next
    std::int64_t target = -1;
  };
  std::vector<Place> places_;  // by source
  std::size_t next_source_ = 0;
  std::size_t next_target_ = 0;
  std::uint64_t sources_ = 0;
  std::uint64_t targets_ = 0;
};

}  // namespace penstock::transfer
