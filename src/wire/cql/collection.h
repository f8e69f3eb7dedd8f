// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "wire/cql/cell_value.h"
#include "wire/cql/types.h"
#include "wire/cql/wire_io.h"

namespace penstock::cql {

// Walks the elements of a non-empty list, set, map (key, value, key, value), tuple or user type
// value of type `type`, checking that they are all there. `f(type, cell)` returns whether to go on.
// False: ill-formed, or f said stop. Elements of list, set and map are never null; those of a tuple
// or user type may be null, and may be missing at the end.
template <class F>
bool each_element(const TypeRef& type, BytesView value, F&& f) {
  Reader from(value, 4);
  const std::vector<TypeRef>& children = type.children();
  if (type.collection()) {
    const std::int32_t count = from.i32();
    if (count < 0) return false;
    for (std::int32_t i = 0; i < count && from.ok(); ++i) {
      for (const TypeRef& child : children) {
        const CellValue element = from.bytes();
        if (!from.ok() || element.is_null() || !f(child, element)) return false;
      }
    }
  } else {
    for (const TypeRef& child : children) {
      if (from.left() == 0) break;
      const CellValue element = from.bytes();
      if (!from.ok() || !f(child, element)) return false;
    }
  }
  return from.ok() && from.left() == 0;
}

}  // namespace penstock::cql
