// SPDX-License-Identifier: Apache-2.0
#include "table/rocks_log.h"

#include <rocksdb/env.h>

#include <cstdio>

#include "base/logging.h"

namespace penstock::table {
namespace {

class RocksLog final : public rocksdb::Logger {
 public:
  RocksLog() : Logger(rocksdb::ERROR_LEVEL) {}

  void Logv(const char*, va_list) override {}  // lines without a level, and headers
  void Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (level < GetInfoLogLevel() || level == rocksdb::HEADER_LEVEL) return;
    char line[1024];
    std::vsnprintf(line, sizeof line, format, arguments);
    std::string_view text(line);
    if (text.ends_with('\n')) text.remove_suffix(1);
    log_debug("table", "RocksDB: {}", text);  // what fails for it is an error of ours as well
  }
};

}  // namespace

std::shared_ptr<rocksdb::Logger> make_rocks_log() {
  return std::make_shared<RocksLog>();
}

}  // namespace penstock::table
