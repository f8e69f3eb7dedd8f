// SPDX-License-Identifier: Apache-2.0
// The files of an export: the input is a manifest, a topic's partition file and a table's range
// file. Whatever they hold, they are read or refused, and what a manifest said is said again.
#include <cstdint>

#include "base/check.h"
#include "base/forgetful_disk.h"
#include "transfer/log_file.h"
#include "transfer/manifest.h"
#include "transfer/row_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace penstock;
  using namespace penstock::transfer;
  const BytesView input(reinterpret_cast<const char*>(data), size);

  if (const auto manifest = from_json(input)) {
    CHECK(to_json(*from_json(to_json(*manifest))) == to_json(*manifest));
  }

  ForgetfulDisk disk;
  const std::string dir = "/export";
  FileSum sum;
  sum.add(input);
  CHECK(disk.make_dirs(dir).has_value());
  for (const std::string& path : {partition_path(dir, 0), range_path(dir, 0)})
    CHECK((*disk.open(path, OpenFile::Create))->write(0, input).has_value());

  LogReader log = *LogReader::open(disk, partition_path(dir, 0), sum);
  Record record;
  Bytes bytes;
  for (auto more = log.next(record); more && *more; more = log.next(record))
    canonical(record, bytes);

  RowReader table = *RowReader::open(disk, range_path(dir, 0), sum);
  Rows rows(2, 2);
  RowBytes row_bytes({cql::Kind::Text, cql::Kind::Decimal}, 1);
  std::uint64_t expired = 0;
  for (auto more = table.next(rows); more && *more; more = table.next(rows)) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      static_cast<void>(row_bytes.of(rows[i]));
      static_cast<void>(inserts_of(rows[i], 1'700'000'000, expired));
    }
  }
  return 0;
}
