// SPDX-License-Identifier: Apache-2.0
#include "transfer/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <limits>
#include <utility>

#include "base/crc32c.h"

namespace penstock::transfer {
namespace {

namespace json = boost::json;

constexpr std::int64_t kFormat = 1;
constexpr std::string_view kMark = "penstock_export";
constexpr std::string_view kCheck = "crc32c";
// A table of 10,000 groups by 1,000 partitions is about that long.
constexpr std::uint64_t kManifestBytesMax = std::uint64_t{1} << 30;

std::string crc_text(std::uint32_t crc) {
  return fmt::format("{:08x}", crc);
}

json::object to_json(const FileSum& file) {
  return {{"bytes", file.bytes}, {"crc32c", file.crc}};
}
json::object to_json(const Digest& digest) {
  return {{"count", digest.count}, {"crc32c", digest.crc}};
}

json::object body(const TopicExport& topic) {
  json::object configs;
  for (const auto& [name, value] : topic.configs) configs[name] = value;
  json::array partitions;
  for (const PartitionExport& each : topic.partitions) {
    partitions.push_back(json::object{{"first_offset", each.first_offset},
                                      {"end_offset", each.end_offset},
                                      {"next_offset", each.next_offset},
                                      {"complete", each.complete},
                                      {"file", to_json(each.file)},
                                      {"records", to_json(each.records)}});
  }
  json::array groups;
  for (const GroupOffset& each : topic.groups) {
    groups.push_back(json::object{{"group", each.group},
                                  {"partition", each.partition},
                                  {"offset", each.offset},
                                  {"metadata", each.metadata}});
  }
  return {{"name", topic.name},
          {"configs", std::move(configs)},
          {"partitions", std::move(partitions)},
          {"groups", std::move(groups)}};
}

constexpr std::string_view kKinds[] = {"partition_key", "clustering", "regular"};

json::object body(const TableExport& table) {
  json::array columns;
  for (const Column& each : table.columns) {
    columns.push_back(json::object{{"name", each.name},
                                   {"type", each.type},
                                   {"kind", kKinds[static_cast<std::size_t>(each.kind)]},
                                   {"descending", each.descending}});
  }
  json::array ranges;
  for (const RangeExport& each : table.ranges) {
    ranges.push_back(json::object{{"complete", each.complete},
                                  {"file", to_json(each.file)},
                                  {"rows", each.rows},
                                  {"expiring_cells", each.expiring_cells},
                                  {"lasting", to_json(each.lasting)}});
  }
  return {{"keyspace", table.keyspace},     {"name", table.name},
          {"columns", std::move(columns)},  {"keyspace_options", table.keyspace_options},
          {"definition", table.definition}, {"ranges", std::move(ranges)}};
}

// Looks into a parsed object; the first thing that is not there or not of its kind stays as the
// problem, and everything after it reads as nothing.
class Fields {
 public:
  Fields(const json::value& value, std::string where, Error& problem)
      : object_(value.if_object()), where_(std::move(where)), problem_(problem) {
    if (object_ == nullptr) refuse("");
  }

  const json::value& at(std::string_view name) {
    static const json::value nothing;
    if (object_ == nullptr) return nothing;
    const json::value* found = object_->if_contains(name);
    if (found == nullptr) refuse(name);
    return found == nullptr ? nothing : *found;
  }
  std::string text(std::string_view name) {
    const json::string* found = at(name).if_string();
    if (found == nullptr) refuse(name);
    return found == nullptr ? std::string() : std::string(*found);
  }
  bool flag(std::string_view name) {
    const bool* found = at(name).if_bool();
    if (found == nullptr) refuse(name);
    return found != nullptr && *found;
  }
  template <class T>
  T number(std::string_view name, T most = std::numeric_limits<T>::max()) {
    boost::system::error_code wrong;
    const T found = at(name).to_number<T>(wrong);
    if (wrong || found > most || std::cmp_less(found, 0)) refuse(name);
    return wrong ? T{} : found;
  }
  FileSum file(std::string_view name) {
    Fields sum(at(name), inner(name), problem_);
    const auto bytes = sum.number<std::uint64_t>("bytes", INT64_MAX);
    return {bytes, sum.number<std::uint32_t>("crc32c")};
  }
  Digest digest(std::string_view name) {
    Fields sum(at(name), inner(name), problem_);
    const auto count = sum.number<std::uint64_t>("count", INT64_MAX);
    return {count, sum.number<std::uint32_t>("crc32c")};
  }
  // Calls f(Fields) for each element.
  template <class F>
  void each(std::string_view name, F&& f) {
    const json::array* list = at(name).if_array();
    if (list == nullptr) return refuse(name);
    for (std::size_t i = 0; i < list->size(); ++i) {
      f(Fields((*list)[i], fmt::format("{}[{}]", inner(name), i), problem_));
    }
  }
  void refuse(std::string_view name) {
    if (problem_.message.empty())
      problem_ = {Code::Corrupt, fmt::format("{} is missing or wrong",
                                             inner(name).empty() ? "the object" : inner(name))};
  }

 private:
  std::string inner(std::string_view name) const {
    if (where_.empty()) return std::string(name);
    return name.empty() ? where_ : fmt::format("{}.{}", where_, name);
  }
  const json::object* object_;
  std::string where_;
  Error& problem_;
};

TopicExport read_topic(Fields from) {
  TopicExport topic;
  topic.name = from.text("name");
  if (const json::object* configs = from.at("configs").if_object()) {
    for (const auto& [name, value] : *configs) {
      if (!value.is_string()) from.refuse("configs");
      if (value.is_string()) topic.configs[name] = value.get_string();
    }
  } else {
    from.refuse("configs");
  }
  from.each("partitions", [&](Fields each) {
    PartitionExport& made = topic.partitions.emplace_back();
    made.first_offset = each.number<std::int64_t>("first_offset");
    made.end_offset = each.number<std::int64_t>("end_offset");
    made.next_offset = each.number<std::int64_t>("next_offset");
    made.complete = each.flag("complete");
    made.file = each.file("file");
    made.records = each.digest("records");
    if (made.first_offset > made.end_offset) each.refuse("end_offset");
  });
  if (topic.partitions.empty()) from.refuse("partitions");
  from.each("groups", [&](Fields each) {
    GroupOffset& made = topic.groups.emplace_back();
    made.group = each.text("group");
    made.partition = each.number<std::int32_t>("partition");
    made.offset = each.number<std::int64_t>("offset");
    made.metadata = each.text("metadata");
    if (static_cast<std::size_t>(made.partition) >= topic.partitions.size())
      each.refuse("partition");
  });
  return topic;
}

TableExport read_table(Fields from) {
  TableExport table;
  table.keyspace = from.text("keyspace");
  table.name = from.text("name");
  table.keyspace_options = from.text("keyspace_options");
  table.definition = from.text("definition");
  from.each("columns", [&](Fields each) {
    Column& made = table.columns.emplace_back();
    made.name = each.text("name");
    made.type = each.text("type");
    made.descending = each.flag("descending");
    const auto* kind = std::ranges::find(kKinds, each.text("kind"));
    if (kind == std::end(kKinds)) return each.refuse("kind");
    made.kind = static_cast<ColumnKind>(kind - std::begin(kKinds));
  });
  if (!std::ranges::is_sorted(table.columns, {}, &Column::kind) || table.columns.empty() ||
      table.columns.front().kind != ColumnKind::PartitionKey)
    from.refuse("columns");
  from.each("ranges", [&](Fields each) {
    RangeExport& made = table.ranges.emplace_back();
    made.complete = each.flag("complete");
    made.file = each.file("file");
    made.rows = each.number<std::uint64_t>("rows");
    made.expiring_cells = each.number<std::uint64_t>("expiring_cells");
    made.lasting = each.digest("lasting");
  });
  // Equal stretches of the ring are powers of two.
  const std::size_t ranges = table.ranges.size();
  if (ranges == 0 || ranges > 65'536 || (ranges & (ranges - 1)) != 0) from.refuse("ranges");
  return table;
}

Result<Manifest> read(const json::object& object) {
  Error problem;
  const json::value whole(object);
  Fields from(whole, "", problem);
  Manifest manifest;
  manifest.cluster = from.text("cluster");
  manifest.complete = from.flag("complete");
  const std::string kind = from.text("kind");
  if (kind == "topic") {
    manifest.of = read_topic(Fields(from.at("topic"), "topic", problem));
  } else if (kind == "table") {
    manifest.of = read_table(Fields(from.at("table"), "table", problem));
  } else {
    from.refuse("kind");
  }
  if (!problem.message.empty()) return fail(problem);
  return manifest;
}

std::string path_of(const std::string& dir) {
  return dir + "/manifest.json";
}

}  // namespace

std::string to_json(const Manifest& manifest) {
  json::object out{{kMark, kFormat},
                   {"kind", manifest.of.index() == 0 ? "topic" : "table"},
                   {"cluster", manifest.cluster},
                   {"complete", manifest.complete}};
  if (const auto* topic = std::get_if<TopicExport>(&manifest.of)) out["topic"] = body(*topic);
  if (const auto* table = std::get_if<TableExport>(&manifest.of)) out["table"] = body(*table);
  out[kCheck] = crc_text(crc32c(json::serialize(out)));
  return json::serialize(out) + "\n";
}

Result<Manifest> from_json(std::string_view text) {
  boost::system::error_code wrong;
  json::value value = json::parse(text, wrong);
  if (wrong) return fail(Code::Corrupt, "it is no JSON ({})", wrong.message());
  json::object* object = value.if_object();
  const json::value* format = object == nullptr ? nullptr : object->if_contains(kMark);
  if (format == nullptr || !format->is_int64())
    return fail(Code::Corrupt, "it is not the manifest of an export");
  if (format->get_int64() != kFormat) {
    return fail(Code::Unsupported, "it has format {}, and this program knows format {}",
                format->get_int64(), kFormat);
  }
  const json::value* check = object->if_contains(kCheck);
  const std::string said =
      check != nullptr && check->is_string() ? std::string(check->get_string()) : "";
  object->erase(kCheck);
  if (said != crc_text(crc32c(json::serialize(*object))))
    return fail(Code::Corrupt, "its checksum is wrong; it is damaged, or was edited");
  return read(*object);
}

Result<void> write_manifest(Disk& disk, const std::string& dir, const Manifest& manifest) {
  return disk.replace(path_of(dir), to_json(manifest));
}

Result<Manifest> read_manifest(Disk& disk, const std::string& dir) {
  const std::string path = path_of(dir);
  const auto file = TRY(disk.open(path, OpenFile::Read));
  const std::uint64_t size = TRY(file->size());
  if (size > kManifestBytesMax)
    return fail(Code::Corrupt, "{} has {} bytes, too many for a manifest", path, size);
  return TRY_WITH(from_json(TRY(file->read_exactly(0, size))), path);
}

bool has_manifest(Disk& disk, const std::string& dir) {
  return disk.exists(path_of(dir));
}

std::string partition_path(const std::string& dir, std::size_t partition) {
  return fmt::format("{}/partition-{}.log", dir, partition);
}
std::string range_path(const std::string& dir, std::size_t range) {
  return fmt::format("{}/range-{:05}.rows", dir, range);
}

Result<void> make_export_dir(Disk& disk, const std::string& dir) {
  TRY(disk.make_dirs(dir));
  for (const std::string& name : TRY(disk.list(dir))) {
    if (name == "manifest.json.tmp") continue;  // what a crash in the first moment leaves
    return fail(Code::AlreadyExists,
                "{} holds {}, and no manifest of an export; name an empty folder", dir, name);
  }
  return {};
}

}  // namespace penstock::transfer
