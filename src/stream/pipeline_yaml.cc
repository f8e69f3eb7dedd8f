// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/text_file.h"
#include "base/yaml_text.h"
#include "sql/expression.h"
#include "stream/yaml_reader.h"
#include "wire/cql/consistency.h"

namespace penstock::stream {
namespace {

// A name of Cassandra's: what needs no quotes, so that a keyspace means the same in CQL text and in
// the system tables.
bool plain_name(std::string_view name) {
  if (name.empty() || name.size() > 48 || !(name[0] >= 'a' && name[0] <= 'z')) return false;
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

class PipelineReader {
 public:
  PipelineReader(YamlFile& file, std::string path) : file_(file) { spec_.file = std::move(path); }

  PipelineSpec read(const YAML::Node& root) {
    YamlSection top(file_, root, "the pipeline");
    if (auto name = top.text("pipeline", {"name", "queryName"})) spec_.name = *name;
    if (spec_.name.empty()) file_.error(top.mark(), "pipeline: NAME is missing");
    if (const auto node = top.get("source", {"readStream"})) {
      source(node);
    } else {
      file_.error(top.mark(), "source is missing; write source: {kafka: {topics: [...]}}");
    }
    if (const auto node = top.get("decode")) {
      const auto format = file_.scalar(node, "decode");
      if (format && *format != "json") {
        file_.error(node.Mark(),
                    fmt::format("decode: {} is not supported; this version decodes json", *format));
      }
    }
    schema(top);
    if (const auto node = top.get("transform")) transform(node);
    on_error(top.get("on_error"));
    dlq(top.get("dlq"));
    if (const auto node = top.get("trigger")) trigger(node);
    if (const auto node = top.get("limits")) limits(node);
    if (const auto node = top.get("checkpointLocation")) {
      file_.info(
          node.Mark(),
          "checkpointLocation is ignored: the checkpoint lives in the store, beside the rows");
    }
    if (const auto node = top.get("sinks", {"writeStream"})) {
      sinks(node);
    } else {
      file_.error(top.mark(), "sinks is missing; write sinks: [{cassandra: {...}}, {console: {}}]");
    }
    top.finish();
    return std::move(spec_);
  }

 private:
  void source(const YAML::Node& node) {
    YamlSection source(file_, node, "source");
    const auto kafka_node = source.get("kafka");
    if (!kafka_node)
      file_.error(source.mark(), "source has no kafka; this version reads from Kafka");
    source.finish();
    if (!kafka_node) return;
    YamlSection kafka(file_, kafka_node, "source.kafka");
    KafkaSource& out = spec_.source;
    if (auto list = kafka.list("bootstrap_servers",
                               {"brokers", "kafka.bootstrap.servers", "bootstrap.servers"})) {
      out.bootstrap_servers = fmt::format("{}", fmt::join(*list, ","));
    }
    if (auto topics = kafka.list("topics", {"topic", "subscribe"})) out.topics = *topics;
    if (out.topics.empty()) file_.error(kafka.mark(), "source.kafka.topics is missing or empty");
    out.group = kafka.text("group", {"kafka.group.id", "group.id"}).value_or(spec_.name);
    if (out.group.empty() && !spec_.name.empty())
      file_.error(kafka.mark(), "source.kafka.group is empty");
    group_instance(kafka);
    start(kafka.get("start", {"startingOffsets", "auto.offset.reset"}));
    if (auto fatal = kafka.flag("fail_on_data_loss", {"failOnDataLoss"}))
      out.fail_on_data_loss = *fatal;
    if (const auto properties = kafka.get("properties")) {
      if (!properties.IsMap())
        file_.error(properties.Mark(), "properties must be a mapping of librdkafka's names");
      for (const auto& entry : properties) {
        if (!entry.first.IsDefined() || !entry.first.IsScalar()) continue;
        if (auto value = file_.scalar(entry.second, entry.first.Scalar()))
          out.properties[entry.first.Scalar()] = *value;
      }
    }
    max_rows(kafka, {"maxOffsetsPerTrigger"}, "max_offsets_per_trigger");
    kafka.finish();
  }

  void group_instance(YamlSection& kafka) {
    const auto node = kafka.get("group_instance", {"group.instance.id", "kafka.group.instance.id"});
    if (!node) return;
    const auto name = file_.scalar(node, "group_instance");
    if (!name) return;
    if (!is_group_instance(*name)) {
      file_.error(node.Mark(), fmt::format("group_instance '{}': {}", *name, kGroupInstanceRule));
    }
    spec_.source.group_instance = *name;
  }

  void start(const YAML::Node& node) {
    if (!node) return;
    const auto value = file_.scalar(node, "start");
    if (!value) return;
    if (*value == "earliest") {
      spec_.source.start = StartAt::Earliest;
    } else if (*value == "latest") {
      spec_.source.start = StartAt::Latest;
    } else {
      file_.error(
          node.Mark(),
          fmt::format(
              "start must be earliest or latest, not '{}'; to start at given offsets, set the "
              "group's offsets",
              *value));
    }
  }

  void schema(YamlSection& top) {
    const auto node = top.get("schema");
    if (!node)
      return file_.error(top.mark(),
                         "schema is missing; write schema: \"id text NOT NULL, name text\"");
    const auto text = file_.scalar(node, "schema");
    if (!text) return;
    auto fields = sql::parse_fields(*text);
    if (!fields) return file_.sql_error(node, fields.error());
    spec_.schema = *fields;
    output_ = *std::move(fields);
  }

  void transform(const YAML::Node& node) {
    if (!node.IsSequence())
      return file_.error(node.Mark(), "transform must be a list of steps: - where: \"...\"");
    for (const auto& step_node : node) {
      YamlSection section(file_, step_node, "a transform step");
      const auto where = section.get("where", {"filter"});
      const auto select = section.get("select", {"selectExpr"});
      section.finish();
      if (where && select) {
        file_.error(section.mark(), "a step is either where or select; make two steps");
      } else if (where) {
        step(where, TransformStep::Kind::Where);
      } else if (select) {
        step(select, TransformStep::Kind::Select);
      } else {
        file_.error(section.mark(), "a transform step needs where: or select:");
      }
    }
  }

  void step(const YAML::Node& node, TransformStep::Kind kind) {
    const auto text = file_.scalar(node, kind == TransformStep::Kind::Where ? "where" : "select");
    if (!text) return;
    const auto [line, column] = file_.place_in(node, 1, 1);
    spec_.transform.push_back({kind, *text, line, column});
    if (output_.empty()) return;  // the schema is broken; one complaint is enough
    if (kind == TransformStep::Kind::Where) {
      const auto condition = sql::Expression::parse(*text, output_);
      if (!condition) return file_.sql_error(node, condition.error());
      if (condition->type() != sql::Type::Boolean) {
        file_.error(node.Mark(), fmt::format("where must be a condition; this is {}",
                                             sql::name(condition->type())));
      }
      return;
    }
    const auto items = sql::parse_select(*text, output_);
    if (!items) return file_.sql_error(node, items.error());
    sql::Fields next;
    for (const auto& item : *items) {
      next.push_back({item.name, item.expression.type(), false});
      if (item.expression.type() == sql::Type::Null) {
        file_.error(node.Mark(),
                    fmt::format("column {} is always null and has no type; use cast(null as ...)",
                                item.name));
      }
    }
    output_ = std::move(next);
  }

  void on_error(const YAML::Node& node) {
    for (const Reason reason : kReasons) spec_.on_error[reason] = Action::Dlq;
    if (!node) return;
    YamlSection section(file_, node, "on_error");
    for (const Reason reason : kReasons) {
      const auto value_node = section.get(std::string(name(reason)));
      if (!value_node) continue;
      const auto value = file_.scalar(value_node, name(reason));
      if (!value) continue;
      std::vector<std::string> names;
      bool found = false;
      for (const Action action : kActions) {
        if (action == Action::Null && reason != Reason::Type && reason != Reason::Convert) continue;
        names.emplace_back(name(action));
        if (*value == name(action)) {
          spec_.on_error[reason] = action;
          found = true;
        }
      }
      if (!found) {
        file_.error(value_node.Mark(),
                    fmt::format("on_error.{} must be one of {}, not '{}'", name(reason),
                                fmt::join(names, ", "), *value),
                    sql::nearest(*value, names));
      }
    }
    section.finish();
  }

  void dlq(const YAML::Node& node) {
    if (!spec_.source.topics.empty()) spec_.dlq.topic = spec_.source.topics[0] + ".dlq";
    if (!node) return;
    YamlSection section(file_, node, "dlq");
    const auto kafka_node = section.get("kafka");
    if (!kafka_node)
      file_.error(section.mark(), "dlq has no kafka; this version diverts to a Kafka topic");
    section.finish();
    if (!kafka_node) return;
    YamlSection kafka(file_, kafka_node, "dlq.kafka");
    if (auto topic = kafka.text("topic")) spec_.dlq.topic = *topic;
    for (const std::string& topic : spec_.source.topics) {
      if (topic == spec_.dlq.topic)
        file_.error(kafka.mark(), fmt::format("the dlq topic {} is also a source topic", topic));
    }
    kafka.finish();
  }

  void max_rows(YamlSection& section, std::initializer_list<const char*> aliases,
                const char* key = "max_rows") {
    const auto rows = section.count(key, aliases);
    if (!rows) return;
    if (*rows == 0) return file_.error(section.mark(), fmt::format("{} must be at least 1", key));
    spec_.trigger.max_rows = *rows;
  }

  void trigger(const YAML::Node& node) {
    Trigger& out = spec_.trigger;
    if (node.IsScalar()) {
      const std::string& word = node.Scalar();
      if (word == "asap") {
        out.kind = Trigger::Kind::Asap;
      } else if (word == "available_now" || word == "availableNow") {
        out.kind = Trigger::Kind::AvailableNow;
      } else {
        file_.error(node.Mark(),
                    fmt::format("trigger must be asap, available_now or {{interval: 500ms, "
                                "max_rows: 200000}}, not '{}'",
                                word),
                    sql::nearest(word, {"asap", "available_now"}));
      }
      return;
    }
    YamlSection section(file_, node, "trigger");
    const auto interval_node = section.get("interval", {"processingTime"});
    if (interval_node) {
      if (const auto text = file_.scalar(interval_node, "interval")) {
        const auto interval = parse_duration(*text);
        if (!interval) {
          file_.error(interval_node.Mark(), interval.error().message);
        } else {
          out.interval = *interval;
          if (*interval == Millis(0)) out.kind = Trigger::Kind::Asap;
        }
      }
    }
    if (section.flag("asap").value_or(false)) out.kind = Trigger::Kind::Asap;
    if (section.flag("available_now", {"availableNow", "once"}).value_or(false))
      out.kind = Trigger::Kind::AvailableNow;
    if (interval_node && out.kind == Trigger::Kind::AvailableNow) {
      file_.error(section.mark(), "available_now and interval exclude each other");
    }
    max_rows(section, {"maxOffsetsPerTrigger"});
    section.finish();
  }

  void limits(const YAML::Node& node) {
    YamlSection section(file_, node, "limits");
    const auto size = [&](const char* key, std::size_t least, std::size_t& out) {
      const auto size_node = section.get(key);
      if (!size_node) return;
      const auto text = file_.scalar(size_node, key);
      if (!text) return;
      const auto bytes = parse_bytes(*text);
      if (!bytes) return file_.error(size_node.Mark(), bytes.error().message);
      if (*bytes < least || *bytes > (std::size_t{2} << 30)) {
        return file_.error(size_node.Mark(),
                           fmt::format("{} must be between {} bytes and 2 GiB", key, least));
      }
      out = *bytes;
    };
    size("record_bytes", 16, spec_.max_record_bytes);
    size("memory", 16 << 20, spec_.memory_bytes);
    section.finish();
  }

  void sinks(const YAML::Node& node) {
    if (!node.IsSequence() || node.size() == 0) {
      return file_.error(node.Mark(),
                         "sinks must be a list: - cassandra: {keyspace: ..., table: ...}");
    }
    for (const auto& item : node) {
      YamlSection section(file_, item, "a sink");
      const auto table = section.get("cassandra", {"org.apache.spark.sql.cassandra", "cql"});
      const auto console = section.get("console");
      section.finish();
      if (table && console) {
        file_.error(section.mark(), "cassandra and console are two sinks; write two list items");
      } else if (table) {
        cassandra(table);
      } else if (console) {
        ConsoleSink sink;
        YamlSection options(file_, console, "sinks.console");
        if (auto rows = options.count("rows", {"numRows"})) sink.rows = *rows;
        if (const auto truncate = options.get("truncate"); truncate && truncate.IsScalar()) {
          if (truncate.Scalar() == "false") {
            sink.truncate = 0;
          } else if (truncate.Scalar() != "true") {
            if (auto width = options.count("truncate")) sink.truncate = *width;
          }
        }
        options.finish();
        spec_.sinks.emplace_back(sink);
      } else {
        file_.error(section.mark(), "a sink is cassandra or console");
      }
    }
    if (spec_.sinks.size() > 1 &&
        std::count_if(spec_.sinks.begin(), spec_.sinks.end(), [](const Sink& sink) {
          return std::holds_alternative<CassandraSink>(sink);
        }) > 1) {
      file_.error(
          node.Mark(),
          "more than one cassandra sink in a pipeline is not supported; write two pipelines");
    }
  }

  void cassandra(const YAML::Node& node) {
    YamlSection section(file_, node, "sinks.cassandra");
    CassandraSink sink;
    if (auto points = section.list("contact_points", {"spark.cassandra.connection.host"}))
      sink.contact_points = *points;
    sink.keyspace = name_option(section, "keyspace", {});
    sink.table = name_option(section, "table", {});
    const auto key_node = section.get("primary_key");
    if (auto key = section.list("primary_key")) sink.primary_key = *key;
    for (const std::string& column : sink.primary_key) {
      if (output_.empty() || std::any_of(output_.begin(), output_.end(),
                                         [&](const sql::Field& f) { return f.name == column; }))
        continue;
      std::vector<std::string> names;
      for (const sql::Field& field : output_) names.push_back(field.name);
      file_.error(key_node.Mark(),
                  fmt::format("primary_key names {}, which is not a column of the output", column),
                  sql::nearest(column, names));
    }
    sink.create_if_missing = section.flag("create_if_missing").value_or(false);
    if (sink.create_if_missing && sink.primary_key.empty()) {
      file_.error(section.mark(), "create_if_missing needs primary_key: [...]");
    }
    const auto level_node =
        section.get("consistency", {"spark.cassandra.output.consistency.level"});
    if (level_node) {
      if (const auto level = file_.scalar(level_node, "consistency")) {
        const auto known = cql::consistency(*level);
        if (!known || cql::is_serial(*known)) {
          file_.error(
              level_node.Mark(),
              fmt::format("consistency '{}' is not one of any, one, two, three, quorum, all, "
                          "local_quorum, each_quorum, local_one",
                          *level));
        }
        sink.consistency = *level;
      }
    }
    const auto null_node = section.get("on_null");
    if (null_node) {
      const auto value = file_.scalar(null_node, "on_null");
      if (value && *value != "null" && *value != "unset") {
        file_.error(null_node.Mark(),
                    fmt::format("on_null must be null or unset, not '{}'", *value));
      }
      if (value && *value == "unset") sink.on_null = CassandraSink::OnNull::Unset;
    }
    section.finish();
    spec_.sinks.emplace_back(std::move(sink));
  }

  std::string name_option(YamlSection& section, const char* key,
                          std::initializer_list<const char*> aliases) {
    const auto node = section.get(key, aliases);
    if (!node) {
      file_.error(section.mark(), fmt::format("sinks.cassandra.{} is missing", key));
      return "";
    }
    const auto value = file_.scalar(node, key);
    if (!value) return "";
    if (!plain_name(*value)) {
      file_.error(
          node.Mark(),
          fmt::format(
              "{} '{}' must begin with a small letter and hold only a-z, 0-9 and _ (at most 48)",
              key, *value));
    }
    return *value;
  }

  YamlFile& file_;
  PipelineSpec spec_;
  sql::Fields output_;  // columns after the steps read so far; empty when the schema is broken
};

}  // namespace

const CassandraSink* PipelineSpec::cassandra() const {
  for (const Sink& sink : sinks) {
    if (const auto* found = std::get_if<CassandraSink>(&sink)) return found;
  }
  return nullptr;
}

bool is_group_instance(std::string_view name) {
  constexpr std::size_t kMost = 249;
  return !name.empty() && name.size() <= kMost && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
         });
}

std::string Problem::text() const {
  std::string out = file;
  if (line > 0) out += fmt::format(":{}:{}", line, column);
  out += fmt::format(": {}: {}", severity == Severity::Error ? "error" : "info", message);
  if (!suggestion.empty()) out += fmt::format("; did you mean {}?", suggestion);
  return out;
}

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value =
        std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nobody calls setenv
    if (value != nullptr) return value;
    // Shells know it and mostly do not export it; a worker's name is often made of it.
    std::array<char, 256> host{};
    if (name == "HOSTNAME" && ::gethostname(host.data(), host.size() - 1) == 0) return host.data();
    return std::nullopt;
  };
}

ParsedPipeline parse_pipeline(std::string_view yaml, const std::string& file,
                              const Environment& environment) {
  YamlFile source(yaml, file, environment);
  ParsedPipeline out;
  if (auto fault = yaml_fault(yaml)) {
    out.problems.push_back({Problem::Severity::Error, file, fault->line, fault->column,
                            std::move(fault->message), ""});
    return out;
  }
  const YAML::Node document = YAML::Load(std::string(yaml));
  if (document.IsNull()) {
    source.error({}, "the file is empty");
  } else {
    PipelineSpec spec = PipelineReader(source, file).read(document);
    if (!source.failed()) out.spec = std::move(spec);
  }
  out.problems = source.take_problems();
  return out;
}

ParsedPipeline read_pipeline(const std::string& path, const Environment& environment) {
  const auto text = read_text_file(path);
  if (!text) {
    ParsedPipeline out;
    out.problems.push_back(
        {Problem::Severity::Error, path, 0, 0, "the file " + text.error().message, ""});
    return out;
  }
  return parse_pipeline(*text, path, environment);
}

}  // namespace penstock::stream
