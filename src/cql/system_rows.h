// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "cql/system_tables.h"

namespace penstock::cql_server {

// What SystemTables::rows() gives.
Result<std::vector<SystemRow>> system_rows(const SystemTables& system, const table::TableDef& table,
                                           const SystemState& state);

}  // namespace penstock::cql_server
