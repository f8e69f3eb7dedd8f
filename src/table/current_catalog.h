// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>

#include "table/catalog.h"
#include "table/mutation.h"

namespace penstock::table {

// The catalog of now, shared by the store, its writers and the compaction filter. Any thread.
class CurrentCatalog {
 public:
  CatalogPtr get() const {
    const std::lock_guard lock(mutex_);
    return catalog_;
  }
  void set(CatalogPtr catalog) {
    const std::lock_guard lock(mutex_);
    catalog_ = std::move(catalog);
  }
  // Conflict if a table of the batch is not there any more.
  Result<void> check(const MutationBatch& batch) const {
    const CatalogPtr catalog = get();
    for (const TableId table : batch.tables()) {
      if (!catalog->table(table)) {
        return fail(
            Code::Conflict,
            "a table of the batch was dropped or truncated meanwhile; plan the statement anew");
      }
    }
    return {};
  }

 private:
  mutable std::mutex mutex_;
  CatalogPtr catalog_ = std::make_shared<const Catalog>();
};

}  // namespace penstock::table
