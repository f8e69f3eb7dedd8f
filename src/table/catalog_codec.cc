// SPDX-License-Identifier: Apache-2.0
#include "table/catalog_codec.h"

#include "table/keys.h"
#include "wire/cql/wire_io.h"

namespace penstock::table {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::uint8_t kNotation = 4;  // of the CQL protocol, whose notations the records use
constexpr std::string_view kHeadName = "catalog";
constexpr std::string_view kKeyspaceName = "keyspace/";

Bytes key_of(std::string_view name, std::string_view rest = {}) {
  return CatalogCodec::prefix().append(name).append(rest);
}

void put_map(cql::Writer& to, const std::map<std::string, std::string>& map) {
  to.i32(static_cast<std::int32_t>(map.size()));
  for (const auto& [key, value] : map) {
    to.long_string(key);
    to.long_string(value);
  }
}

std::string take_text(cql::Reader& from) {
  return std::string(from.long_string());
}

std::map<std::string, std::string> take_map(cql::Reader& from) {
  std::map<std::string, std::string> map;
  for (std::int32_t left = from.i32(); left > 0 && from.ok(); --left) {
    std::string key = take_text(from);
    map[std::move(key)] = take_text(from);
  }
  return map;
}

cql::TypeRef take_type(cql::Reader& from) {
  const auto type = cql::TypeRef::parse(from.long_string());
  if (type) return *type;
  from.fail_with("a column has a type that this version does not know");
  return {};
}

ColumnKind take_kind(cql::Reader& from) {
  const std::uint8_t kind = from.u8();
  if (kind <= static_cast<std::uint8_t>(ColumnKind::Regular)) return static_cast<ColumnKind>(kind);
  from.fail_with("a column is of no known kind");
  return ColumnKind::Regular;
}

void put_table(cql::Writer& to, const TableDef& table) {
  to.uuid(table.id);
  to.i32(static_cast<std::int32_t>(table.number.value()));
  to.long_string(table.name);
  to.u16(table.next_column);
  to.i32(table.options.default_time_to_live);
  to.i32(table.options.gc_grace_seconds);
  to.long_string(table.options.comment);
  put_map(to, table.options.others);
  to.i32(static_cast<std::int32_t>(table.columns.size()));
  for (const ColumnDef& column : table.columns) {
    to.u16(column.id.value());
    to.long_string(column.name);
    to.long_string(column.type.text());
    to.u8(static_cast<std::uint8_t>(column.kind));
    to.u16(column.position);
    to.u8(column.reversed ? 1 : 0);
  }
  to.i32(static_cast<std::int32_t>(table.dropped.size()));
  for (const DroppedColumn& column : table.dropped) {
    to.long_string(column.name);
    to.long_string(column.type.text());
    to.u8(static_cast<std::uint8_t>(column.kind));
    to.i64(column.dropped_micros);
  }
}

TableDef take_table(cql::Reader& from, const std::string& keyspace) {
  TableDef table;
  table.keyspace = keyspace;
  table.id = from.uuid();
  table.number = TableId(static_cast<std::uint32_t>(from.i32()));
  table.name = take_text(from);
  table.next_column = from.u16();
  table.options.default_time_to_live = from.i32();
  table.options.gc_grace_seconds = from.i32();
  table.options.comment = take_text(from);
  table.options.others = take_map(from);
  for (std::int32_t left = from.i32(); left > 0 && from.ok(); --left) {
    ColumnDef& column = table.columns.emplace_back();
    column.id = ColumnId(from.u16());
    column.name = take_text(from);
    column.type = take_type(from);
    column.kind = take_kind(from);
    column.position = from.u16();
    column.reversed = from.u8() != 0;
  }
  for (std::int32_t left = from.i32(); left > 0 && from.ok(); --left) {
    DroppedColumn& column = table.dropped.emplace_back();
    column.name = take_text(from);
    column.type = take_type(from);
    column.kind = take_kind(from);
    column.dropped_micros = from.i64();
  }
  return table;
}

Bytes encode_head(const Catalog& catalog) {
  Bytes bytes;
  cql::Writer to(bytes, kNotation);
  to.u8(kFormat);
  to.uuid(catalog.version());
  to.i32(static_cast<std::int32_t>(catalog.next_table().value()));
  return bytes;
}

Bytes encode_keyspace(const KeyspaceDef& keyspace) {
  Bytes bytes;
  cql::Writer to(bytes, kNotation);
  to.u8(kFormat);
  to.long_string(keyspace.name);
  to.u8(keyspace.durable_writes ? 1 : 0);
  put_map(to, keyspace.replication);
  to.i32(static_cast<std::int32_t>(keyspace.tables.size()));
  for (const auto& entry : keyspace.tables) put_table(to, *entry.second);
  return bytes;
}

void check_format(cql::Reader& from) {
  if (from.u8() != kFormat) from.fail_with("it is of a format that this version does not know");
}

KeyspaceDef take_keyspace(cql::Reader& from) {
  KeyspaceDef keyspace;
  check_format(from);
  keyspace.name = take_text(from);
  keyspace.durable_writes = from.u8() != 0;
  keyspace.replication = take_map(from);
  for (std::int32_t left = from.i32(); left > 0 && from.ok(); --left) {
    auto table = std::make_shared<const TableDef>(take_table(from, keyspace.name));
    keyspace.tables[table->name] = table;
  }
  return keyspace;
}

}  // namespace

Bytes CatalogCodec::prefix() {
  Bytes bytes;
  append_table(TableId(0), bytes);
  return bytes;
}

CatalogCodec::Changes CatalogCodec::difference(const Catalog& before, const Catalog& after) {
  Changes changes;
  changes.put.push_back({key_of(kHeadName), encode_head(after)});
  for (const auto& [name, keyspace] : after.keyspaces_) {
    if (before.keyspace(name) != keyspace)
      changes.put.push_back({key_of(kKeyspaceName, name), encode_keyspace(*keyspace)});
  }
  for (const auto& entry : before.keyspaces_) {
    if (!after.keyspace(entry.first)) changes.remove.push_back(key_of(kKeyspaceName, entry.first));
  }
  return changes;
}

Result<CatalogPtr> CatalogCodec::decode(const std::vector<Record>& records) {
  auto catalog = std::make_shared<Catalog>();
  if (records.empty()) catalog->version_ = Uuid::random();
  for (const Record& record : records) {
    cql::Reader from(record.value, kNotation);
    const BytesView name = BytesView(record.key).substr(prefix().size());
    if (name == kHeadName) {
      check_format(from);
      catalog->version_ = from.uuid();
      catalog->next_table_ = static_cast<std::uint32_t>(from.i32());
    } else {
      auto keyspace = std::make_shared<const KeyspaceDef>(take_keyspace(from));
      for (const auto& entry : keyspace->tables)
        catalog->numbers_[entry.second->number] = entry.second;
      catalog->keyspaces_[keyspace->name] = keyspace;
    }
    TRY(from.status(fmt::format("the schema's record {}", name)));
  }
  return CatalogPtr(std::move(catalog));
}

}  // namespace penstock::table
