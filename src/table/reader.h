// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "table/read_query.h"
#include "table/rocks.h"

namespace penstock::table {

// Store::read(): shows the query's live rows to `visit`.
Result<ReadStats> read_rows(rocksdb::DB& db, const ReadQuery& query, std::int64_t now_seconds,
                            const std::function<Visit(const RowView&)>& visit);

}  // namespace penstock::table
