// SPDX-License-Identifier: Apache-2.0
#include "cql/functions.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "cql/unsupported.h"
#include "wire/cql/murmur3.h"
#include "wire/cql/scalar_types.h"
#include "wire/cql/values.h"

namespace penstock::cql_server {
namespace {

using cql::Kind;
using cql::TypeRef;
using Arguments = std::span<const BytesView>;
using Value = std::optional<Bytes>;

constexpr std::int64_t kGregorianTo1970 = 0x01b21dd213814000;  // 100 ns steps from 1582-10-15
constexpr std::int64_t kMillisOfDay = 86'400'000;
constexpr std::uint32_t kDateEpoch = 0x8000'0000;

Bytes bigint(std::int64_t number) {
  Bytes bytes;
  append_be(bytes, number);
  return bytes;
}
Bytes date_of_millis(std::int64_t millis) {
  std::int64_t days = millis / kMillisOfDay;
  if (millis % kMillisOfDay < 0) --days;
  Bytes bytes;
  append_be(bytes, static_cast<std::uint32_t>(days + kDateEpoch));
  return bytes;
}
std::int64_t millis_of_date(BytesView date) {
  return (static_cast<std::int64_t>(load_be<std::uint32_t>(date.data())) - kDateEpoch) *
         kMillisOfDay;
}

Uuid uuid_of(std::int64_t steps, std::uint64_t low) {
  const auto time = static_cast<std::uint64_t>(steps);
  const std::uint64_t high =
      (time << 32) | ((time >> 16) & 0xffff'0000) | 0x1000 | ((time >> 48) & 0x0fff);
  Uuid uuid;
  store_be(reinterpret_cast<char*>(uuid.bytes.data()), high);
  store_be(reinterpret_cast<char*>(uuid.bytes.data()) + 8, low);
  return uuid;
}

using Call = std::function<Result<Value>(Arguments, const Context&)>;

ScalarFunction function(std::string_view name, std::vector<TypeRef> arguments, TypeRef returns,
                        Call call) {
  return {std::string(name), std::move(arguments), std::move(returns), std::move(call)};
}

// How a moment in milliseconds is read from a value of each type that holds one, and made into one.
std::int64_t millis_of(Kind kind, BytesView value) {
  if (kind == Kind::Timeuuid) return time_uuid_millis(value);
  if (kind == Kind::Date) return millis_of_date(value);
  return load_be<std::int64_t>(value.data());
}
Bytes of_millis(Kind kind, std::int64_t millis) {
  return kind == Kind::Date ? date_of_millis(millis) : bigint(millis);
}

ScalarFunction moment(std::string_view name, Kind from, Kind to) {
  return function(name, {from}, to,
                  [from, to](Arguments arguments, const Context&) -> Result<Value> {
                    return of_millis(to, millis_of(from, arguments[0]));
                  });
}

std::vector<ScalarFunction> time_functions(std::string_view name) {
  if (name == "now" || name == "currenttimeuuid" || name == "current_timeuuid")
    return {
        function(name, {}, Kind::Timeuuid, [](Arguments, const Context& context) -> Result<Value> {
          return Bytes(time_uuid(context.now_micros).view());
        })};
  if (name == "currenttimestamp" || name == "current_timestamp")
    return {
        function(name, {}, Kind::Timestamp, [](Arguments, const Context& context) -> Result<Value> {
          return bigint(context.now_micros / 1000);
        })};
  if (name == "currentdate" || name == "current_date")
    return {function(name, {}, Kind::Date, [](Arguments, const Context& context) -> Result<Value> {
      return date_of_millis(context.now_micros / 1000);
    })};
  if (name == "currenttime" || name == "current_time")
    return {function(name, {}, Kind::Time, [](Arguments, const Context& context) -> Result<Value> {
      return bigint(context.now_micros % (kMillisOfDay * 1000) * 1000);
    })};
  if (name == "totimestamp" || name == "to_timestamp")
    return {moment(name, Kind::Timeuuid, Kind::Timestamp),
            moment(name, Kind::Date, Kind::Timestamp)};
  if (name == "todate" || name == "to_date")
    return {moment(name, Kind::Timeuuid, Kind::Date), moment(name, Kind::Timestamp, Kind::Date)};
  if (name == "tounixtimestamp" || name == "to_unix_timestamp")
    return {moment(name, Kind::Timeuuid, Kind::Bigint), moment(name, Kind::Timestamp, Kind::Bigint),
            moment(name, Kind::Date, Kind::Bigint)};
  if (name == "dateof") return {moment(name, Kind::Timeuuid, Kind::Timestamp)};
  if (name == "unixtimestampof") return {moment(name, Kind::Timeuuid, Kind::Bigint)};
  const bool least = name == "mintimeuuid" || name == "min_timeuuid";
  if (least || name == "maxtimeuuid" || name == "max_timeuuid")
    return {function(name, {Kind::Timestamp}, Kind::Timeuuid,
                     [least](Arguments arguments, const Context&) -> Result<Value> {
                       const std::int64_t steps =
                           load_be<std::int64_t>(arguments[0].data()) * 10'000 + kGregorianTo1970;
                       const Uuid uuid = least ? uuid_of(steps, 0x8080'8080'8080'8080)
                                               : uuid_of(steps + 9'999, 0x7f7f'7f7f'7f7f'7f7f);
                       return Bytes(uuid.view());
                     })};
  return {};
}

std::vector<ScalarFunction> blob_functions(std::string_view name) {
  const auto same = [](Arguments arguments, const Context&) -> Result<Value> {
    return Bytes(arguments[0]);
  };
  const auto scalar = [](std::string_view type) { return cql::scalar_kind(type); };
  std::string_view type = name;
  if (type.ends_with("_as_blob") || type.ends_with("asblob")) {
    type.remove_suffix(type.ends_with("_as_blob") ? 8 : 6);
    if (const auto kind = scalar(type)) return {function(name, {*kind}, Kind::Blob, same)};
  }
  if (type.starts_with("blob_as_") || type.starts_with("blobas")) {
    type.remove_prefix(type.starts_with("blob_as_") ? 8 : 6);
    if (const auto kind = scalar(type))
      return {function(name, {Kind::Blob}, *kind,
                       [kind = *kind](Arguments arguments, const Context&) -> Result<Value> {
                         TRY_WITH(
                             cql::validate(kind, arguments[0]),
                             "In call to function system.blobas" + std::string(cql::name(kind)));
                         return Bytes(arguments[0]);
                       })};
  }
  return {};
}

ScalarFunction token_function(const table::TableDef& of) {
  std::vector<TypeRef> types;
  for (const auto& column : of.partition_key()) types.push_back(column.type);
  return function("token", std::move(types), Kind::Bigint,
                  [](Arguments arguments, const Context&) -> Result<Value> {
                    Bytes key(arguments[0]);
                    if (arguments.size() > 1) {
                      key.clear();
                      cql::append_partition_key(arguments, key);
                    }
                    return bigint(cql::token(key));
                  });
}

bool integer(Kind kind) {
  return kind == Kind::Tinyint || kind == Kind::Smallint || kind == Kind::Int ||
         kind == Kind::Bigint;
}
bool number(Kind kind) {
  return integer(kind) || kind == Kind::Float || kind == Kind::Double;
}

std::int64_t load_integer(Kind kind, BytesView value) {
  switch (kind) {
    case Kind::Tinyint:
      return static_cast<std::int8_t>(value[0]);
    case Kind::Smallint:
      return load_be<std::int16_t>(value.data());
    case Kind::Int:
      return load_be<std::int32_t>(value.data());
    default:
      return load_be<std::int64_t>(value.data());
  }
}
double load_float(Kind kind, BytesView value) {
  if (kind == Kind::Float) return std::bit_cast<float>(load_be<std::uint32_t>(value.data()));
  return std::bit_cast<double>(load_be<std::uint64_t>(value.data()));
}

// As Java narrows: integers keep their low bits, floating numbers saturate and NaN is 0.
Bytes store_number(Kind kind, std::int64_t whole, double fraction, bool from_float) {
  if (kind == Kind::Double)
    return cql::encode<Kind::Double>(from_float ? fraction : static_cast<double>(whole));
  if (kind == Kind::Float)
    return cql::encode<Kind::Float>(
        static_cast<float>(from_float ? fraction : static_cast<double>(whole)));
  if (from_float) {
    if (std::isnan(fraction)) {
      whole = 0;
    } else if (fraction >= 9.2233720368547758e18) {
      whole = std::numeric_limits<std::int64_t>::max();
    } else if (fraction <= -9.2233720368547758e18) {
      whole = std::numeric_limits<std::int64_t>::min();
    } else {
      whole = static_cast<std::int64_t>(fraction);
    }
    if (kind != Kind::Bigint)
      whole = std::clamp<std::int64_t>(whole, std::numeric_limits<std::int32_t>::min(),
                                       std::numeric_limits<std::int32_t>::max());
  }
  switch (kind) {
    case Kind::Tinyint:
      return cql::encode<Kind::Tinyint>(static_cast<std::int8_t>(whole));
    case Kind::Smallint:
      return cql::encode<Kind::Smallint>(static_cast<std::int16_t>(whole));
    case Kind::Int:
      return cql::encode<Kind::Int>(static_cast<std::int32_t>(whole));
    default:
      return bigint(whole);
  }
}

Bytes text_of(Kind kind, BytesView value) {
  if (kind == Kind::Float) return fmt::format("{}", static_cast<float>(load_float(kind, value)));
  if (kind == Kind::Double) return fmt::format("{}", load_float(kind, value));
  return cql::format_value(kind, value);
}

}  // namespace

Uuid time_uuid(std::int64_t micros) {
  // Clock sequence and node are random once a process; the steps within a microsecond and a count
  // keep uuids apart.
  static const std::uint64_t node = [] {
    const Uuid random = Uuid::random();
    const auto bits =
        load_be<std::uint64_t>(reinterpret_cast<const char*>(random.bytes.data()) + 8);
    return (bits & 0x3fff'ffff'ffff'ffff) |
           0x8000'0100'0000'0000;  // RFC 9562: variant, multicast bit of a made-up node
  }();
  static std::atomic<std::int64_t> last{0};
  const std::int64_t wanted = micros * 10 + kGregorianTo1970;
  std::int64_t before = last.load(std::memory_order_relaxed);
  std::int64_t steps = 0;
  do steps = std::max(wanted, before + 1);
  while (!last.compare_exchange_weak(before, steps, std::memory_order_relaxed));
  return uuid_of(steps, node);
}

std::int64_t time_uuid_millis(BytesView uuid) {
  if (uuid.size() < 8) return 0;
  const auto high = load_be<std::uint64_t>(uuid.data());
  const std::uint64_t steps = (high >> 32) | ((high & 0xffff'0000) << 16) | ((high & 0x0fff) << 48);
  return (static_cast<std::int64_t>(steps) - kGregorianTo1970) / 10'000;
}

std::vector<ScalarFunction> scalar_functions(std::string_view name, const table::TableDef& of) {
  if (name == "token") return {token_function(of)};
  if (name == "uuid")
    return {function(name, {}, Kind::Uuid, [](Arguments, const Context&) -> Result<Value> {
      return Bytes(Uuid::random().view());
    })};
  auto found = time_functions(name);
  return found.empty() ? blob_functions(name) : found;
}

Failure unknown_function(std::string_view name) {
  constexpr std::string_view kNames[] = {"abs",          "exp",      "log",
                                         "log10",        "round",    "maxwritetime",
                                         "minwritetime", "map_keys", "map_values"};
  constexpr std::string_view kFamilies[] = {"collection_", "mask_", "similarity_"};
  const bool later = std::ranges::find(kNames, name) != std::end(kNames) ||
                     std::ranges::any_of(kFamilies, [&](std::string_view family) {
                       return name.starts_with(family);
                     });
  if (later) return refuse(Refused::LaterFunctions);
  return fail(Code::InvalidArgument, "Unknown function '{}'", name);
}

Result<ScalarFunction> cast_function(const TypeRef& from_type, const TypeRef& to_type) {
  const Kind from = from_type.kind();
  const Kind to = to_type.kind();
  const std::string name = "castas" + to_type.text();
  if (from_type == to_type)
    return function(
        name, {from_type}, to_type,
        [](Arguments arguments, const Context&) -> Result<Value> { return Bytes(arguments[0]); });
  if ((to == Kind::Text || to == Kind::Ascii) && from_type.scalar() && from != Kind::Blob &&
      from != Kind::Counter)
    return function(name, {from_type}, to_type,
                    [from](Arguments arguments, const Context&) -> Result<Value> {
                      return text_of(from, arguments[0]);
                    });
  if (number(from) && number(to))
    return function(name, {from_type}, to_type,
                    [from, to](Arguments arguments, const Context&) -> Result<Value> {
                      if (integer(from))
                        return store_number(to, load_integer(from, arguments[0]), 0, false);
                      return store_number(to, 0, load_float(from, arguments[0]), true);
                    });
  const bool from_time = from == Kind::Timeuuid || from == Kind::Timestamp || from == Kind::Date;
  if (from_time && (to == Kind::Timestamp || to == Kind::Date)) return moment(name, from, to);
  const auto long_number = [](Kind kind) { return kind == Kind::Decimal || kind == Kind::Varint; };
  if ((long_number(from) && (number(to) || long_number(to))) || (number(from) && long_number(to)))
    return refuse(Refused::LongNumbers);
  return fail(Code::NotFound, "{} cannot be cast to {}", from_type.text(), to_type.text());
}

}  // namespace penstock::cql_server
