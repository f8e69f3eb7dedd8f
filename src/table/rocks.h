// SPDX-License-Identifier: Apache-2.0
// What this room's files share of RocksDB without including it: its headers cost a second each and
// stay in .cc files.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace rocksdb {
class DB;
class Env;
class MergeOperator;
class CompactionFilterFactory;
class Slice;
class Status;
class WriteBatch;
struct Options;
}  // namespace rocksdb

namespace penstock::table {

// NoSpace, Corrupt, Closed, Unavailable or Io, with RocksDB's own words behind `what`.
Error rocks_error(const rocksdb::Status& status, std::string_view what);

rocksdb::Slice slice(BytesView bytes);
BytesView view(const rocksdb::Slice& slice);

}  // namespace penstock::table
