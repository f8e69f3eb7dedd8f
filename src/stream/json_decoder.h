// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "base/bytes.h"
#include "sql/column.h"
#include "sql/field.h"
#include "stream/reject.h"

namespace penstock::stream {

struct DecoderOptions {
  std::size_t record_bytes_max = 1 << 20;
  bool null_on_type =
      false;  // a value that its column cannot hold becomes null instead of a reject
  bool null_on_convert = false;  // the same for a text that does not parse
};

// Turns JSON objects into rows, one record at a time, straight into columns.
//
// A text column takes numbers, booleans, objects and arrays as their JSON text. Unknown fields are
// checked and dropped. Of a key that comes twice the last one counts. A field that is absent is
// Unset, an explicit null is Null. Timestamps are ISO 8601 texts or milliseconds. A bad record
// leaves no trace in the columns and none in the decoder.
//
// Not thread-safe; each worker has its own. Costs one copy of the record and about 0.25 us for
// eleven short fields.
class JsonDecoder {
 public:
  JsonDecoder(sql::Fields fields, const DecoderOptions& options);
  ~JsonDecoder();

  // Appends one cell to each of `columns` (one per field, all of equal length) and returns true; or
  // appends nothing, fills `reject` and returns false.
  bool decode(BytesView record, std::vector<sql::Column>& columns, Reject& reject);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::stream
