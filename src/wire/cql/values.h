// SPDX-License-Identifier: Apache-2.0
// Values of any type as bytes (research notes: encodings of native_protocol_v4.spec section 6) and
// as text.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/cql/cell_value.h"
#include "wire/cql/types.h"

namespace penstock::cql {

// Whether `value` is a well-formed value of `type`: width, range, UTF-8, elements. Empty is
// well-formed for every type, as Cassandra has it, though only texts and blobs mean something by
// it. Cheap: no allocation unless it fails.
Result<void> validate(const TypeRef& type, BytesView value);

// The value that a CQL literal means for `type`, appended to `to`: `'it''s'`, `-12`, `1.5e3`,
// `0xcafe`, `true`,
// `'2023-10-01 12:00:00+0000'`, `P1Y2M`, `[1, 2]`, `{'a': 1}`, `(1, 'x')`. `null` is not a value
// and refused here.
Result<void> parse_literal(const TypeRef& type, std::string_view literal, Bytes& to);

// The same from plain text, as a CSV field or a JSON string holds it: no quotes around texts and
// dates. Scalars only.
Result<void> parse_text(Kind kind, std::string_view text, Bytes& to);

// As cqlsh prints it (UTC, `2023-10-01 12:00:00.000000+0000`, 5 and 12 digits of float and double);
// texts bare, "null" when there is none. An ill-formed value prints as hexadecimal, an empty
// non-text as nothing.
std::string format_value(const TypeRef& type, const CellValue& value);

// A CQL literal that parse_literal reads back to the same bytes (an empty non-text has none; it
// prints as '').
std::string format_literal(const TypeRef& type, BytesView value);

// Milliseconds since 1970 UTC of '2023-10-01', '2023-10-01 12:00[:00[.000]][Z|+0200|+02:00]' or
// with T between. Without a zone: UTC.
Result<std::int64_t> parse_timestamp(std::string_view text);
// "2023-10-01 12:00:00.000000+0000"
std::string format_timestamp(std::int64_t millis);

// Collections by hand (system tables, maps of options): the encodings of [list], [set] and [map].
class CollectionBuilder {
 public:
  CollectionBuilder() : bytes_(4, '\0') {}
  // List and set: once an element; map: key and value are two of them, and count() takes pairs.
  CollectionBuilder& add(BytesView element);
  Bytes take_list();  // also set; sets must be added in element order
  Bytes take_map();

 private:
  Bytes bytes_;
  std::int32_t elements_ = 0;
};

}  // namespace penstock::cql
