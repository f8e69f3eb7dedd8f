// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "table/keys.h"
#include "table/row_format.h"

namespace penstock::table {

// The range deletions of one partition: which is the latest that covers a clustering key. add()
// all, then at().
class RangeDeletions {
 public:
  void clear();
  void add(ClusteringRange range, const Deletion& deletion);
  bool empty() const { return ranges_.empty(); }
  Deletion at(BytesView clustering);

 private:
  struct Range {
    ClusteringRange range;
    Deletion deletion;
  };
  // From here to the next piece, this deletion.
  struct Piece {
    Bytes from;
    Deletion deletion;
  };
  void flatten();

  std::vector<Range> ranges_;
  std::vector<Piece> pieces_;  // ascending; made of ranges_ by the first at()
};

}  // namespace penstock::table
