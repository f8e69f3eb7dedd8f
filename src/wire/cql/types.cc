// SPDX-License-Identifier: Apache-2.0
#include "wire/cql/types.h"

#include <strings.h>

#include "base/check.h"
#include "wire/cql/scalar_types.h"

namespace penstock::cql {
namespace {

// Deep enough for anybody, and a bound on the recursion that a peer can cause.
constexpr int kDepthMax = 16;
constexpr std::string_view kMarshal = "org.apache.cassandra.db.marshal.";

enum OptionId : std::uint16_t {
  kCustomId = 0x0000,
  kListId = 0x0020,
  kMapId = 0x0021,
  kSetId = 0x0022,
  kUdtId = 0x0030,
  kTupleId = 0x0031,
};

bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::optional<Kind> scalar_of_option(std::uint16_t id) {
  for (const Kind kind : scalar_kinds()) {
    if (visit_scalar(kind, [](auto row) { return row.option_id; }) == id) return kind;
  }
  return std::nullopt;
}

std::optional<Kind> scalar_of_class(std::string_view java_class) {
  if (!java_class.starts_with(kMarshal)) return std::nullopt;
  java_class.remove_prefix(kMarshal.size());
  for (const Kind kind : scalar_kinds()) {
    if (visit_scalar(kind, [](auto row) { return row.java_class; }) == java_class) return kind;
  }
  return std::nullopt;
}

// `name`, `name<a, b>`; see TypeRef::parse.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<TypeRef> whole() {
    TypeRef type = TRY(one(0));
    skip_space();
    if (at_ != text_.size())
      return fail(Code::InvalidArgument, "unexpected '{}' after the type in '{}'",
                  text_.substr(at_), text_);
    return type;
  }

 private:
  Result<TypeRef> one(int depth) {
    if (depth > kDepthMax)
      return fail(Code::TooLarge, "types are nested deeper than {} in '{}'", kDepthMax, text_);
    const std::string_view word = take_word();
    if (word.empty())
      return fail(Code::InvalidArgument, "a type is missing at column {} of '{}'", at_ + 1, text_);
    if (const auto scalar = scalar_kind(word)) return TypeRef(*scalar);
    const bool known = same_word(word, "frozen") || same_word(word, "list") ||
                       same_word(word, "set") || same_word(word, "map") || same_word(word, "tuple");
    if (!known) return fail(Code::NotFound, "Unknown type {}", word);
    std::vector<TypeRef> arguments;
    if (!take('<'))
      return fail(Code::InvalidArgument, "'{}' needs its types in angle brackets, as in {}<...>",
                  word, word);
    do {
      arguments.push_back(TRY(one(depth + 1)));
    } while (take(','));
    if (!take('>'))
      return fail(Code::InvalidArgument, "a '>' is missing at column {} of '{}'", at_ + 1, text_);
    if (same_word(word, "tuple")) return TypeRef::tuple(std::move(arguments));
    const std::size_t wanted = same_word(word, "map") ? 2 : 1;
    if (arguments.size() != wanted)
      return fail(Code::InvalidArgument, "'{}' takes {} type(s), not {}", word, wanted,
                  arguments.size());
    if (same_word(word, "frozen")) return arguments[0].frozen();
    if (same_word(word, "list")) return TypeRef::list(arguments[0]);
    if (same_word(word, "set")) return TypeRef::set(arguments[0]);
    return TypeRef::map(arguments[0], arguments[1]);
  }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n'))
      ++at_;
  }
  bool take(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string_view take_word() {
    skip_space();
    const std::size_t begin = at_;
    while (at_ < text_.size() &&
           std::string_view("<>, \t\n").find(text_[at_]) == std::string_view::npos)
      ++at_;
    return text_.substr(begin, at_ - begin);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

TypeRef read_type_at(Reader& from, int depth) {
  if (depth > kDepthMax) from.fail_with("types are nested too deeply");
  if (!from.ok()) return {};
  const std::uint16_t id = from.u16();
  if (id == kCustomId) {
    const std::string_view java_class = from.string();
    if (const auto scalar = scalar_of_class(java_class)) return *scalar;
    return TypeRef::custom(std::string(java_class));
  }
  if (const auto scalar = scalar_of_option(id)) return *scalar;
  switch (id) {
    case kListId:
      return TypeRef::list(read_type_at(from, depth + 1));
    case kSetId:
      return TypeRef::set(read_type_at(from, depth + 1));
    case kMapId: {
      TypeRef key = read_type_at(from, depth + 1);
      return TypeRef::map(std::move(key), read_type_at(from, depth + 1));
    }
    case kTupleId: {
      std::vector<TypeRef> elements;
      for (std::uint16_t left = from.u16(); left > 0 && from.ok(); --left)
        elements.push_back(read_type_at(from, depth + 1));
      return TypeRef::tuple(std::move(elements));
    }
    case kUdtId: {
      std::string keyspace(from.string());
      std::string name(from.string());
      std::vector<TypeRef::Field> fields;
      for (std::uint16_t left = from.u16(); left > 0 && from.ok(); --left) {
        std::string field(from.string());
        fields.push_back({std::move(field), read_type_at(from, depth + 1)});
      }
      return TypeRef::udt(std::move(keyspace), std::move(name), std::move(fields));
    }
    default:
      from.fail_with("there is no such type");
      return {};
  }
}

}  // namespace

std::string_view name(Kind kind) {
  switch (kind) {
    case Kind::List:
      return "list";
    case Kind::Set:
      return "set";
    case Kind::Map:
      return "map";
    case Kind::Tuple:
      return "tuple";
    case Kind::Udt:
      return "udt";
    case Kind::Custom:
      return "custom";
    default:
      return visit_scalar(kind, [](auto row) { return row.name; });
  }
}

std::optional<Kind> scalar_kind(std::string_view name) {
  if (same_word(name, "varchar")) return Kind::Text;
  for (const Kind kind : scalar_kinds()) {
    if (same_word(cql::name(kind), name)) return kind;
  }
  return std::nullopt;
}

std::optional<std::size_t> fixed_bytes(Kind kind) {
  if (!is_scalar(kind)) return std::nullopt;
  return visit_scalar(kind, [](auto row) { return row.fixed_bytes; });
}

struct TypeRef::Node {
  std::vector<TypeRef> children;
  std::vector<std::string> field_names;
  std::string keyspace;
  std::string name;  // of a user type, or the class of a custom one
};

TypeRef::TypeRef(Kind scalar) : kind_(scalar) {
  CHECK(is_scalar(scalar), "this kind needs its parts");
}
TypeRef::TypeRef(Kind kind, std::shared_ptr<const Node> node)
    : kind_(kind), node_(std::move(node)) {}

const TypeRef::Node& TypeRef::node() const {
  static const Node none;
  return node_ == nullptr ? none : *node_;
}

TypeRef TypeRef::list(TypeRef element) {
  return {Kind::List, std::make_shared<const Node>(Node{{std::move(element)}, {}, {}, {}})};
}
TypeRef TypeRef::set(TypeRef element) {
  return {Kind::Set, std::make_shared<const Node>(Node{{std::move(element)}, {}, {}, {}})};
}
TypeRef TypeRef::map(TypeRef key, TypeRef value) {
  return {Kind::Map,
          std::make_shared<const Node>(Node{{std::move(key), std::move(value)}, {}, {}, {}})};
}
TypeRef TypeRef::tuple(std::vector<TypeRef> elements) {
  return {Kind::Tuple, std::make_shared<const Node>(Node{std::move(elements), {}, {}, {}})};
}
TypeRef TypeRef::udt(std::string keyspace, std::string name, std::vector<Field> fields) {
  Node node{{}, {}, std::move(keyspace), std::move(name)};
  for (Field& field : fields) {
    node.field_names.push_back(std::move(field.name));
    node.children.push_back(std::move(field.type));
  }
  return {Kind::Udt, std::make_shared<const Node>(std::move(node))};
}
TypeRef TypeRef::custom(std::string class_name) {
  return {Kind::Custom, std::make_shared<const Node>(Node{{}, {}, {}, std::move(class_name)})};
}

Result<TypeRef> TypeRef::parse(std::string_view text) {
  return Parser(text).whole();
}

TypeRef TypeRef::frozen() const {
  TypeRef type = *this;
  type.frozen_ = !scalar();
  return type;
}

const std::vector<TypeRef>& TypeRef::children() const {
  return node().children;
}
const std::vector<std::string>& TypeRef::field_names() const {
  return node().field_names;
}
const std::string& TypeRef::udt_keyspace() const {
  return node().keyspace;
}
const std::string& TypeRef::udt_name() const {
  return node().name;
}
const std::string& TypeRef::class_name() const {
  return node().name;
}

std::string TypeRef::text() const {
  std::string text;
  if (scalar()) {
    text = name(kind_);
  } else if (kind_ == Kind::Udt) {
    text = udt_name();
  } else if (kind_ == Kind::Custom) {
    text = fmt::format("'{}'", class_name());
  } else {
    text = name(kind_);
    text += '<';
    for (const TypeRef& child : children())
      text.append(&child == children().data() ? "" : ", ").append(child.text());
    text += '>';
  }
  return frozen_ ? fmt::format("frozen<{}>", text) : text;
}

bool operator==(const TypeRef& a, const TypeRef& b) {
  if (a.kind_ != b.kind_ || a.frozen_ != b.frozen_) return false;
  if (a.node_ == b.node_) return true;
  const TypeRef::Node& x = a.node();
  const TypeRef::Node& y = b.node();
  return x.children == y.children && x.field_names == y.field_names && x.keyspace == y.keyspace &&
         x.name == y.name;
}

void write_type(Writer& to, const TypeRef& type, std::uint8_t version) {
  if (type.scalar()) {
    return visit_scalar(type.kind(), [&](auto row) {
      if (version >= row.since_version) return to.u16(row.option_id);
      to.u16(kCustomId);
      to.string(fmt::format("{}{}", kMarshal, row.java_class));
    });
  }
  const std::vector<TypeRef>& children = type.children();
  switch (type.kind()) {
    case Kind::List:
      to.u16(kListId);
      break;
    case Kind::Set:
      to.u16(kSetId);
      break;
    case Kind::Map:
      to.u16(kMapId);
      break;
    case Kind::Tuple:
      to.u16(kTupleId);
      to.u16(static_cast<std::uint16_t>(children.size()));
      break;
    case Kind::Udt:
      to.u16(kUdtId);
      to.string(type.udt_keyspace());
      to.string(type.udt_name());
      to.u16(static_cast<std::uint16_t>(children.size()));
      break;
    default:
      to.u16(kCustomId);
      return to.string(type.class_name());
  }
  for (std::size_t i = 0; i < children.size(); ++i) {
    if (type.kind() == Kind::Udt) to.string(type.field_names()[i]);
    write_type(to, children[i], version);
  }
}

TypeRef read_type(Reader& from) {
  return read_type_at(from, 0);
}

}  // namespace penstock::cql
