// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sql/column.h"

namespace penstock::stream {

// Leaves only the newest row of each key among `rows` (by `timestamp[row]`, which differ within a
// key), in the order they had. A row that leaves cells unset does not displace an older one: the
// table would keep the older one's cells, so both are written. Key columns have values in every
// row.
sql::Selection newest_per_key(const std::vector<sql::Column>& columns,
                              const std::vector<std::size_t>& key, const sql::Selection& rows,
                              std::span<const std::int64_t> timestamp);

}  // namespace penstock::stream
