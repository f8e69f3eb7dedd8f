// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "table/keys.h"

namespace penstock::table {

// Where a read goes on: behind one row, or behind a whole partition. As bytes it is a client's
// paging state: it names no table number and holds across restarts, and may be anything when it
// comes back.
struct Position {
  bool whole_partition = false;
  PartitionKey partition;
  BytesView clustering;

  Bytes encode() const;
  static Result<Position> parse(BytesView bytes);
};

}  // namespace penstock::table
