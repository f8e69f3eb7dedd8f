// SPDX-License-Identifier: Apache-2.0
#include "table/rocks.h"

#include <rocksdb/slice.h>
#include <rocksdb/status.h>

namespace penstock::table {
namespace {

Code code_of(const rocksdb::Status& status) {
  if (status.IsNoSpace()) return Code::NoSpace;
  if (status.IsCorruption()) return Code::Corrupt;
  if (status.IsShutdownInProgress()) return Code::Closed;
  if (status.IsBusy() || status.IsTryAgain()) return Code::Unavailable;
  return Code::Io;
}

}  // namespace

Error rocks_error(const rocksdb::Status& status, std::string_view what) {
  return Error{code_of(status), status.ToString()}.with(what);
}

rocksdb::Slice slice(BytesView bytes) {
  return {bytes.data(), bytes.size()};
}
BytesView view(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

}  // namespace penstock::table
