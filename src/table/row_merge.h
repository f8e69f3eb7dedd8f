// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "table/rocks.h"

namespace penstock::table {

// merge_rows() as RocksDB wants it. Its name is on disk: another row format needs another name.
std::shared_ptr<rocksdb::MergeOperator> make_row_merge();

}  // namespace penstock::table
