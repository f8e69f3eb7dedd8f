// SPDX-License-Identifier: Apache-2.0
// All messages of the native protocol, both directions.
#pragma once

#include "wire/cql/errors.h"     // IWYU pragma: export
#include "wire/cql/frame.h"      // IWYU pragma: export
#include "wire/cql/requests.h"   // IWYU pragma: export
#include "wire/cql/responses.h"  // IWYU pragma: export
