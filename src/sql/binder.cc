// SPDX-License-Identifier: Apache-2.0
#include "sql/binder.h"

#include <fmt/format.h>

#include <optional>

#include "sql/lexer.h"
#include "sql/text_values.h"

namespace penstock::sql {
namespace {

using Bound = tl::expected<void, SqlError>;

class Binder {
 public:
  Binder(std::string_view text, const Fields& fields) : text_(text), fields_(fields) {}

  Bound bind(Node& node) {
    for (Node& arg : node.args) {
      if (auto bound = bind(arg); !bound) return bound;
    }
    switch (node.op) {
      case Op::Literal:
        return {};
      case Op::Column:
        return column(node);
      case Op::Not:
      case Op::And:
      case Op::Or:
        return all(node, 0, node.args.size(), Type::Boolean, Type::Boolean);
      case Op::Eq:
      case Op::Ne:
      case Op::Lt:
      case Op::Le:
      case Op::Gt:
      case Op::Ge:
      case Op::In:
      case Op::Between:
        return unify_all(node, Type::Boolean);
      case Op::Add:
      case Op::Sub:
      case Op::Mul:
      case Op::Mod:
      case Op::Neg:
        return arithmetic(node);
      case Op::Div:
        return all(node, 0, 2, Type::Double, Type::Double);
      case Op::Concat:
        return concat(node);
      case Op::Like:
        return all(node, 0, 2, Type::Text, Type::Boolean);
      case Op::Case:
        return case_when(node);
      case Op::SimpleCase:
        return simple_case(node);
      case Op::IsNull:
        node.type = Type::Boolean;
        return {};
      case Op::Coalesce:
      case Op::NullIf:
        return unify_all(node, std::nullopt);
      case Op::Lower:
      case Op::Upper:
      case Op::Trim:
      case Op::LTrim:
      case Op::RTrim:
      case Op::Replace:
        return all(node, 0, node.args.size(), Type::Text, Type::Text);
      case Op::Length:
        return all(node, 0, 1, Type::Text, Type::Bigint);
      case Op::Substr:
        if (auto bound = all(node, 1, node.args.size(), Type::Bigint, Type::Text); !bound)
          return bound;
        return all(node, 0, 1, Type::Text, Type::Text);
      case Op::Cast:
      case Op::TryCast:
        return cast(node);
    }
    return {};
  }

 private:
  tl::unexpected<SqlError> refuse(const Node& node, std::string message,
                                  std::string suggestion = "") const {
    return tl::unexpected(error_at(text_, node.at, std::move(message), std::move(suggestion)));
  }

  Bound column(Node& node) {
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      if (fields_[i].name == node.text) {
        found = i;
        break;
      }
      if (lower_ascii(fields_[i].name) != lower_ascii(node.text)) continue;
      if (found && lower_ascii(fields_[*found].name) == lower_ascii(node.text) &&
          fields_[*found].name != node.text) {
        bool exact_follows = false;
        for (std::size_t j = i + 1; j < fields_.size(); ++j)
          exact_follows |= fields_[j].name == node.text;
        if (!exact_follows) {
          return refuse(node, fmt::format("{} may mean {} or {}; write it as it is declared",
                                          node.text, fields_[*found].name, fields_[i].name));
        }
      }
      found = i;
    }
    if (!found) {
      std::vector<std::string> names;
      for (const Field& field : fields_) names.push_back(field.name);
      return refuse(node, fmt::format("unknown column {}", node.text), nearest(node.text, names));
    }
    node.column = *found;
    node.type = fields_[*found].type;
    return {};
  }

  // Makes `node` a `to`, or says why that needs a cast.
  Bound convert(Node& node, Type to) {
    if (node.type == to || (is_text(to) && is_text(node.type))) return {};
    if (node.op == Op::Literal && node.type == Type::Null) {
      node.type = to;
      node.op = Op::Cast;
      node.args.emplace_back();
      node.args[0].at = node.at;
      return {};
    }
    if (node.op == Op::Literal && node.type == Type::Text && !is_number(to)) {
      Column probe(to);
      if (!append_parsed(probe, node.text)) {
        return refuse(node, fmt::format("'{}' is not a {}", node.text, name(to)));
      }
      if (storage(to) == Storage::Bytes) {
        node.text = std::string(probe.bytes_at(0));
      } else {
        node.integer = probe.int_at(0);
      }
      node.type = to;
      return {};
    }
    if (node.type == Type::Null) {
      wrap(node, to);
      return {};
    }
    if (is_number(node.type) && is_floating(to)) {
      wrap(node, to);
      return {};
    }
    if (is_integer(node.type) && is_integer(to)) {
      if (to == Type::Bigint) return {};  // the same storage, and wide enough
      wrap(node, to);
      return {};
    }
    if (is_uuid(node.type) && is_uuid(to)) return {};
    return refuse(node, fmt::format("this is {}, where {} is needed; use cast(... as {})",
                                    name(node.type), name(to), name(to)));
  }

  static void wrap(Node& node, Type to) {
    Node inner = std::move(node);
    node = Node{};
    node.op = Op::Cast;
    node.at = inner.at;
    node.type = to;
    node.args.push_back(std::move(inner));
  }

  Bound all(Node& node, std::size_t begin, std::size_t end, Type each, Type result) {
    for (std::size_t i = begin; i < end; ++i) {
      if (auto bound = convert(node.args[i], each); !bound) return bound;
    }
    node.type = result;
    return {};
  }

  // The type at which these can meet.
  Bound common(const std::vector<Node*>& nodes, Type& result) {
    result = Type::Null;
    const Node* decided_by = nullptr;
    for (const Node* node : nodes) {
      const bool soft = node->op == Op::Literal && node->type == Type::Text;
      if (node->type == Type::Null || node->type == result) continue;
      const bool result_soft =
          decided_by != nullptr && decided_by->op == Op::Literal && decided_by->type == Type::Text;
      if (result == Type::Null || (result_soft && !is_number(node->type))) {
        result = is_integer(node->type)      ? Type::Bigint
                 : node->type == Type::Float ? Type::Double
                 : node->type == Type::Ascii ? Type::Text
                                             : node->type;
        decided_by = node;
      } else if (is_number(result) && is_number(node->type)) {
        if (is_floating(node->type)) result = Type::Double;
      } else if ((is_text(result) && is_text(node->type)) ||
                 (is_uuid(result) && is_uuid(node->type)) || (soft && !is_number(result))) {
        continue;
      } else {
        return refuse(*node, fmt::format("{} and {} do not go together; use cast()", name(result),
                                         name(node->type)));
      }
    }
    return {};
  }

  Bound unify(const std::vector<Node*>& nodes, Type& result) {
    if (auto bound = common(nodes, result); !bound) return bound;
    if (result == Type::Null) return {};
    for (Node* node : nodes) {
      if (auto bound = convert(*node, result); !bound) return bound;
    }
    return {};
  }

  Bound unify_all(Node& node, std::optional<Type> result) {
    std::vector<Node*> nodes;
    for (Node& arg : node.args) nodes.push_back(&arg);
    Type met = Type::Null;
    if (auto bound = unify(nodes, met); !bound) return bound;
    node.type = result.value_or(met);
    return {};
  }

  Bound arithmetic(Node& node) {
    for (const Node& arg : node.args) {
      if (arg.type != Type::Null && !is_number(arg.type)) {
        return refuse(
            arg, fmt::format("this is {}, where a number is needed; use cast()", name(arg.type)));
      }
    }
    if (auto bound = unify_all(node, std::nullopt); !bound) return bound;
    if (node.type == Type::Null) node.type = Type::Bigint;
    for (Node& arg : node.args) {
      if (auto bound = convert(arg, node.type); !bound) return bound;
    }
    return {};
  }

  Bound concat(Node& node) {
    for (Node& arg : node.args) {
      if (!is_text(arg.type)) wrap(arg, Type::Text);
    }
    node.type = Type::Text;
    return {};
  }

  Bound case_when(Node& node) {
    std::vector<Node*> values;
    for (std::size_t i = 0; i + 1 < node.args.size(); i += 2) {
      if (auto bound = convert(node.args[i], Type::Boolean); !bound) return bound;
      values.push_back(&node.args[i + 1]);
    }
    values.push_back(&node.args.back());
    return unify(values, node.type);
  }

  Bound simple_case(Node& node) {
    std::vector<Node*> operands{&node.args[0]};
    std::vector<Node*> values;
    for (std::size_t i = 1; i + 1 < node.args.size(); i += 2) {
      operands.push_back(&node.args[i]);
      values.push_back(&node.args[i + 1]);
    }
    values.push_back(&node.args.back());
    Type met = Type::Null;
    if (auto bound = unify(operands, met); !bound) return bound;
    return unify(values, node.type);
  }

  Bound cast(Node& node) {
    const Type from = node.args[0].type;
    const Type to = node.type;
    const bool moments = to == Type::Timestamp || to == Type::Date;
    const bool possible =
        from == Type::Null || from == to || is_text(from) || is_text(to) ||
        (is_uuid(from) && is_uuid(to)) ||
        ((is_number(from) || from == Type::Boolean) && (is_number(to) || to == Type::Boolean)) ||
        (from == Type::Timestamp && (to == Type::Date || to == Type::Bigint)) ||
        (moments && from == (to == Type::Date ? Type::Timestamp : Type::Date)) ||
        (from == Type::Bigint && to == Type::Timestamp);
    if (possible) return {};
    return refuse(node, fmt::format("{} cannot be cast to {}", name(from), name(to)));
  }

  std::string_view text_;
  const Fields& fields_;
};

}  // namespace

SqlResult<Node> bind(Node node, std::string_view text, const Fields& fields) {
  if (auto bound = Binder(text, fields).bind(node); !bound) return tl::unexpected(bound.error());
  return node;
}

}  // namespace penstock::sql
