// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "table/catalog.h"

namespace penstock::table {

// The catalog on disk (docs/formats/table-keys.md): one record with its version, one for each
// keyspace with its tables, all under table number 0.
struct CatalogCodec {
  struct Record {
    Bytes key;
    Bytes value;
  };
  // The records that make `before` into `after` (put), and the keys of those to remove.
  struct Changes {
    std::vector<Record> put;
    std::vector<Bytes> remove;
  };
  static Changes difference(const Catalog& before, const Catalog& after);

  // All keys of the catalog begin so.
  static Bytes prefix();
  // The catalog of its records, in key order. Corrupt names the record.
  static Result<CatalogPtr> decode(const std::vector<Record>& records);
};

}  // namespace penstock::table
