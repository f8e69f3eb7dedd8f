// SPDX-License-Identifier: Apache-2.0
#include "transfer/record.h"

namespace penstock::transfer {
namespace {

void append(Bytes& to, const std::optional<BytesView>& bytes) {
  append_be(to, bytes ? static_cast<std::int32_t>(bytes->size()) : -1);
  if (bytes) to.append(*bytes);
}

}  // namespace

void canonical(const Record& record, Bytes& to) {
  to.clear();
  append_be(to, record.timestamp_millis);
  append(to, record.key);
  append(to, record.value);
  append_be(to, static_cast<std::int32_t>(record.headers.size()));
  for (const kafka::RecordHeader& header : record.headers) {
    append(to, header.key);
    append(to, header.value);
  }
}

}  // namespace penstock::transfer
