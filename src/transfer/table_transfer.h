// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/disk.h"
#include "base/result.h"
#include "client/cql_client.h"
#include "transfer/manifest.h"
#include "transfer/progress.h"

namespace penstock::transfer {

// What an export or import has done; a transfer that goes on counts what was there before, too.
struct TableSummary {
  std::string table;
  std::uint64_t rows = 0;
  std::uint64_t rows_now = 0;        // by this run
  std::uint64_t expiring_cells = 0;  // that have a TTL
  std::uint64_t expired_cells = 0;   // of them, left out of an import: their time was up
  std::uint64_t file_bytes = 0;
};

struct TableExportOptions {
  std::string table;  // KEYSPACE.TABLE
  std::string dir;
};

// Copies a table into a folder (docs/formats/export.md), one stretch of the ring after another; an
// interrupted export goes on with the first stretch that is not finished. What the manifest says is
// on the disk. The rows are those of the moment when their stretch is read. Blocking; one process a
// folder.
Result<TableSummary> export_table(Disk& disk, client::CqlClient& cql,
                                  const TableExportOptions& options, const Progress& progress);

struct TableImportOptions {
  std::string dir;
  std::string as;  // KEYSPACE.TABLE; empty: the name it had
};

// Copies such a folder into a store: checks every file, makes keyspace and table when they are
// missing, writes the stretches that the table does not hold yet, with the write times they had,
// and compares each when it is written. Blocking.
Result<TableSummary> import_table(Disk& disk, client::CqlClient& cql, const Manifest& manifest,
                                  const TableImportOptions& options, const Progress& progress);

}  // namespace penstock::transfer
