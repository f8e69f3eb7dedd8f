// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "table/row_filter.h"
#include "table/store.h"

namespace penstock::table {

// How RocksDB is set up here, and why: see docs/decisions/0051-rocksdb-settings.md.
rocksdb::Options rocks_options(const StoreOptions& options, RowFilters& filters);

}  // namespace penstock::table
