// SPDX-License-Identifier: Apache-2.0
// The first byte chooses a type; the rest is taken as a literal, as a value and as a key of it.
#include <cstdlib>

#include "wire/cql/order_key.h"
#include "wire/cql/values.h"

namespace penstock::cql {
namespace {

const std::vector<TypeRef>& types() {
  static const std::vector<TypeRef> all = [] {
    std::vector<TypeRef> list;
    for (const Kind kind : scalar_kinds()) list.emplace_back(kind);
    list.push_back(TypeRef::list(Kind::Int));
    list.push_back(TypeRef::set(TypeRef::tuple({Kind::Text, Kind::Decimal})));
    list.push_back(TypeRef::map(Kind::Varint, TypeRef::list(Kind::Timestamp)));
    list.push_back(TypeRef::udt("k", "u", {{"a", Kind::Uuid}, {"b", Kind::Double}}));
    return list;
  }();
  return all;
}

void exercise(BytesView bytes) {
  if (bytes.empty()) return;
  const TypeRef& type = types()[static_cast<std::uint8_t>(bytes[0]) % types().size()];
  bytes.remove_prefix(1);

  Bytes value;
  if (parse_literal(type, bytes, value)) {
    if (!validate(type, value)) std::abort();
    Bytes again;
    if (!value.empty() &&
        (!parse_literal(type, format_literal(type, value), again) || again != value))
      std::abort();
  }
  static_cast<void>(format_value(type, bytes));
  static_cast<void>(TypeRef::parse(bytes));
  if (!orderable(type)) return;
  Bytes key;
  if (append_order_key(type, bytes, false, key)) {
    BytesView left = key;
    Bytes back;
    Bytes key_again;
    if (!take_order_key(type, false, left, back) || !left.empty()) std::abort();
    if (!append_order_key(type, back, false, key_again) || key_again != key) std::abort();
  }
  for (const bool descending : {false, true}) {
    BytesView left = bytes;
    Bytes back;
    static_cast<void>(take_order_key(type, descending, left, back));
  }
}

}  // namespace
}  // namespace penstock::cql

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  penstock::cql::exercise({reinterpret_cast<const char*>(data), size});
  return 0;
}
