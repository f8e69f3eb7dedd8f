// SPDX-License-Identifier: Apache-2.0
// Records of __consumer_offsets: first byte = length of the key, then key and value. What decodes
// must encode back to a record that decodes to the same.
#include <cstdint>

#include "base/check.h"
#include "broker/group_coordinator/group.h"
#include "broker/offsets_records.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace penstock;
  using namespace penstock::broker;
  if (size == 0) return 0;
  const BytesView rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const BytesView key = rest.substr(0, data[0]);
  const BytesView value = rest.substr(key.size());
  static_cast<void>(parse_subscription(rest));
  const auto decoded = decode_record(key, value);
  if (!decoded || !*decoded) return 0;
  const auto encoded = encode_record(**decoded);
  CHECK(encoded.has_value());
  CHECK(decode_record(encoded->key, *encoded->value).value() == *decoded);
  return 0;
}
