// SPDX-License-Identifier: Apache-2.0
// Byte-comparable keys: `a < b` in CQL's order of a type exactly when key(a) < key(b) as unsigned
// bytes. Each key says where it ends, so keys of several columns may be put one after another. The
// layout is docs/formats/order-key.md.
#pragma once

#include <compare>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/cql/types.h"

namespace penstock::cql {

// Whether the type may stand in a clustering key: all but duration, counter, custom, and what holds
// one of them.
bool orderable(const TypeRef& type);

// Appends the key of `value`. Refuses with InvalidArgument what validate() would (`to` is then
// unchanged). `descending` inverts every byte, for CLUSTERING ORDER BY (c DESC). The type must be
// orderable.
Result<void> append_order_key(const TypeRef& type, BytesView value, bool descending, Bytes& to);

// Takes one key off the front of `key` and appends the value's wire bytes to `value`. The value
// equals the one encoded in the type's order; its bytes may be a shorter spelling (varint 0x0001
// comes back as 0x01, decimal 1.00 as 1, any NaN as the usual one).
Result<void> take_order_key(const TypeRef& type, bool descending, BytesView& key, Bytes& value);
// The same without giving the value.
Result<void> skip_order_key(const TypeRef& type, bool descending, BytesView& key);

// For partition keys, which are the same only if their bytes are: any bytes, kept exactly, in
// unsigned byte order.
void append_bytes_key(BytesView bytes, Bytes& to);
Result<void> take_bytes_key(BytesView& key, Bytes& bytes);

// CQL's order of two well-formed values of a type, by way of their keys; ill-formed ones compare as
// bytes.
std::strong_ordering compare_values(const TypeRef& type, BytesView a, BytesView b);

}  // namespace penstock::cql
