// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

namespace rocksdb {
class Logger;
}

namespace penstock::table {

// RocksDB's log lines, errors only, among ours for debugging. By itself it writes them to a file
// beside its data, which on a full disk fails with the data; RocksDB 7.8 with assertions, as Debian
// builds it, then aborts the process at the next line.
std::shared_ptr<rocksdb::Logger> make_rocks_log();

}  // namespace penstock::table
