// SPDX-License-Identifier: Apache-2.0
#include "sql/evaluator.h"

#include <cmath>
#include <compare>

#include "sql/text_kernels.h"

namespace penstock::sql {
namespace {

enum class Truth : std::uint8_t { False, True, Unknown };

Truth truth(const Operand& operand, std::size_t i) {
  if (!operand.has_value(i)) return Truth::Unknown;
  return operand.integer(i) != 0 ? Truth::True : Truth::False;
}
void append(Column& to, Truth truth) {
  if (truth == Truth::Unknown) return to.append_null();
  to.append_int(truth == Truth::True ? 1 : 0);
}

Operand literal(const Node& node) {
  Column column(node.type);
  if (node.type == Type::Null) {
    column.append_null();
  } else if (storage(node.type) == Storage::Bytes) {
    column.append_bytes(node.text);
  } else if (storage(node.type) == Storage::Float64) {
    column.append_double(node.number);
  } else {
    column.append_int(node.integer);
  }
  Operand operand = owned(std::move(column));
  operand.constant = true;
  return operand;
}

// Both have values and the same storage. NaN equals NaN and is above every number, as in Spark.
std::strong_ordering compare(const Operand& a, const Operand& b, std::size_t i) {
  switch (storage(a.column->type())) {
    case Storage::Int64:
      return a.integer(i) <=> b.integer(i);
    case Storage::Bytes: {
      const int order = a.bytes(i).compare(b.bytes(i));
      return order <=> 0;
    }
    case Storage::Float64: {
      const double x = a.number(i);
      const double y = b.number(i);
      if (std::isnan(x) || std::isnan(y)) return std::isnan(x) <=> std::isnan(y);
      return x < y   ? std::strong_ordering::less
             : x > y ? std::strong_ordering::greater
                     : std::strong_ordering::equal;
    }
  }
  return std::strong_ordering::equal;
}

bool holds(Op op, std::strong_ordering order) {
  switch (op) {
    case Op::Eq:
      return order == 0;
    case Op::Ne:
      return order != 0;
    case Op::Lt:
      return order < 0;
    case Op::Le:
      return order <= 0;
    case Op::Gt:
      return order > 0;
    default:
      return order >= 0;
  }
}

class Evaluator {
 public:
  Evaluator(const ColumnPointers& columns, RowErrors& errors)
      : columns_(columns), errors_(errors) {}

  Operand run(const Node& node, const Selection& rows) {
    switch (node.op) {
      case Op::Literal:
        return literal(node);
      case Op::Column:
        return {columns_[node.column], rows.data(), false, nullptr};
      case Op::And:
      case Op::Or:
        return owned(logic(node, rows));
      case Op::Case:
        return owned(case_when(node, rows));
      case Op::SimpleCase:
        return owned(simple_case(node, rows));
      case Op::Coalesce:
        return owned(coalesce(node, rows));
      default:
        break;
    }
    std::vector<Operand> args;
    args.reserve(node.args.size());
    for (const Node& arg : node.args) args.push_back(run(arg, rows));
    return owned(apply(node, args, rows));
  }

 private:
  Column apply(const Node& node, const std::vector<Operand>& args, const Selection& rows) {
    switch (node.op) {
      case Op::Not:
        return not_of(args[0], rows.size());
      case Op::Eq:
      case Op::Ne:
      case Op::Lt:
      case Op::Le:
      case Op::Gt:
      case Op::Ge:
        return comparison(node.op, args[0], args[1], rows.size());
      case Op::Between:
        return between(args, rows.size());
      case Op::In:
        return in(args, rows.size());
      case Op::Add:
      case Op::Sub:
      case Op::Mul:
      case Op::Div:
      case Op::Mod:
      case Op::Neg:
        return is_floating(node.type) ? floating(node.op, args, rows)
                                      : integral(node.op, args, rows);
      case Op::IsNull:
        return is_null(args[0], rows.size());
      case Op::NullIf:
        return null_if(node, args, rows.size());
      case Op::Cast:
        return cast_column(args[0], node.type, rows, &errors_);
      case Op::TryCast:
        return cast_column(args[0], node.type, rows, nullptr);
      default:
        return text(node, args, rows.size());
    }
  }

  static Column not_of(const Operand& arg, std::size_t count) {
    Column out(Type::Boolean);
    out.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      if (!arg.has_value(i)) {
        out.append_null();
      } else {
        out.append_int(arg.integer(i) != 0 ? 0 : 1);
      }
    }
    return out;
  }

  static Column comparison(Op op, const Operand& a, const Operand& b, std::size_t count) {
    Column out(Type::Boolean);
    out.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      if (!a.has_value(i) || !b.has_value(i)) {
        out.append_null();
      } else {
        out.append_int(holds(op, compare(a, b, i)) ? 1 : 0);
      }
    }
    return out;
  }

  // low <= value and value <= high, with SQL's null: one false side decides.
  static Column between(const std::vector<Operand>& args, std::size_t count) {
    Column out(Type::Boolean);
    out.reserve(count);
    const auto side = [&](const Operand& a, const Operand& b, std::size_t i) {
      if (!a.has_value(i) || !b.has_value(i)) return Truth::Unknown;
      return compare(a, b, i) <= 0 ? Truth::True : Truth::False;
    };
    for (std::size_t i = 0; i < count; ++i) {
      const Truth low = side(args[1], args[0], i);
      const Truth high = side(args[0], args[2], i);
      append(out, low == Truth::False || high == Truth::False       ? Truth::False
                  : low == Truth::Unknown || high == Truth::Unknown ? Truth::Unknown
                                                                    : Truth::True);
    }
    return out;
  }

  static Column in(const std::vector<Operand>& args, std::size_t count) {
    Column out(Type::Boolean);
    out.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      Truth result = args[0].has_value(i) ? Truth::False : Truth::Unknown;
      for (std::size_t k = 1; k < args.size() && args[0].has_value(i) && result != Truth::True;
           ++k) {
        if (!args[k].has_value(i)) {
          result = Truth::Unknown;
        } else if (compare(args[0], args[k], i) == 0) {
          result = Truth::True;
        }
      }
      append(out, result);
    }
    return out;
  }

  // The right side is computed only where the left does not decide.
  Column logic(const Node& node, const Selection& rows) {
    const Truth decisive = node.op == Op::And ? Truth::False : Truth::True;
    const Operand left = run(node.args[0], rows);
    Selection open;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (truth(left, i) != decisive) open.push_back(rows[i]);
    }
    const Operand right = run(node.args[1], open);
    Column out(Type::Boolean);
    out.reserve(rows.size());
    for (std::size_t i = 0, k = 0; i < rows.size(); ++i) {
      const Truth a = truth(left, i);
      if (a == decisive) {
        append(out, decisive);
        continue;
      }
      const Truth b = truth(right, k++);
      append(out, b == decisive ? decisive : a == Truth::Unknown ? Truth::Unknown : b);
    }
    return out;
  }

  // Values that were computed for some of the rows, put together in the order of all.
  struct Part {
    Selection rows;
    Operand values;
  };
  static Column merge(Type type, const Selection& rows, const std::vector<Part>& parts) {
    Column out(type);
    out.reserve(rows.size());
    std::vector<std::size_t> next(parts.size(), 0);
    for (const std::uint32_t row : rows) {
      bool found = false;
      for (std::size_t p = 0; p < parts.size() && !found; ++p) {
        if (next[p] == parts[p].rows.size() || parts[p].rows[next[p]] != row) continue;
        out.append_from(*parts[p].values.column, parts[p].values.index(next[p]++));
        found = true;
      }
      if (!found) out.append_null();
    }
    return out;
  }

  // One branch: the rows of `open` that `taken` chooses get the branch's value and leave `open`.
  template <class Taken>
  void branch(const Node& value, Selection& open, std::vector<Part>& parts, Taken taken) {
    Part part;
    Selection rest;
    for (std::size_t i = 0; i < open.size(); ++i) (taken(i) ? part.rows : rest).push_back(open[i]);
    parts.push_back(std::move(part));
    parts.back().values = run(value, parts.back().rows);
    open = std::move(rest);
  }

  Column case_when(const Node& node, const Selection& rows) {
    std::vector<Part> parts;
    parts.reserve(node.args.size());
    Selection open = rows;
    for (std::size_t i = 0; i + 1 < node.args.size() && !open.empty(); i += 2) {
      const Operand condition = run(node.args[i], open);
      branch(node.args[i + 1], open, parts,
             [&](std::size_t k) { return truth(condition, k) == Truth::True; });
    }
    if (!open.empty()) branch(node.args.back(), open, parts, [](std::size_t) { return true; });
    return merge(node.type, rows, parts);
  }

  Column simple_case(const Node& node, const Selection& rows) {
    std::vector<Part> parts;
    parts.reserve(node.args.size());
    Selection open = rows;
    const Operand computed = run(node.args[0], rows);
    // Per row of the whole selection; `position` leads from an open row back to it.
    std::vector<std::uint32_t> position(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) position[i] = static_cast<std::uint32_t>(i);
    for (std::size_t i = 1; i + 1 < node.args.size() && !open.empty(); i += 2) {
      const Operand candidate = run(node.args[i], open);
      std::vector<std::uint32_t> rest;
      std::vector<bool> taken(open.size());
      for (std::size_t k = 0; k < open.size(); ++k) {
        const std::size_t at = computed.index(position[k]);
        taken[k] = computed.column->has_value(at) && candidate.has_value(k) &&
                   equal(*computed.column, at, candidate, k);
        if (!taken[k]) rest.push_back(position[k]);
      }
      branch(node.args[i + 1], open, parts, [&](std::size_t k) { return taken[k]; });
      position = std::move(rest);
    }
    if (!open.empty()) branch(node.args.back(), open, parts, [](std::size_t) { return true; });
    return merge(node.type, rows, parts);
  }

  static bool equal(const Column& a, std::size_t row, const Operand& b, std::size_t i) {
    const auto here = static_cast<std::uint32_t>(row);
    const auto there = static_cast<std::uint32_t>(b.index(i));
    return compare({&a, &here, false, nullptr}, {b.column, &there, false, nullptr}, 0) == 0;
  }

  Column coalesce(const Node& node, const Selection& rows) {
    std::vector<Part> parts;
    parts.reserve(node.args.size());
    Selection open = rows;
    for (const Node& arg : node.args) {
      if (open.empty()) break;
      const Operand values = run(arg, open);
      Part part;
      Column kept(node.type);
      Selection rest;
      for (std::size_t i = 0; i < open.size(); ++i) {
        if (!values.has_value(i)) {
          rest.push_back(open[i]);
          continue;
        }
        part.rows.push_back(open[i]);
        kept.append_from(*values.column, values.index(i));
      }
      part.values = owned(std::move(kept));
      parts.push_back(std::move(part));
      open = std::move(rest);
    }
    return merge(node.type, rows, parts);
  }

  static Column is_null(const Operand& arg, std::size_t count) {
    Column out(Type::Boolean);
    out.reserve(count);
    for (std::size_t i = 0; i < count; ++i) out.append_int(arg.has_value(i) ? 0 : 1);
    return out;
  }

  static Column null_if(const Node& node, const std::vector<Operand>& args, std::size_t count) {
    Column out(node.type);
    out.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      if (args[0].has_value(i) && args[1].has_value(i) && compare(args[0], args[1], i) == 0) {
        out.append_null();
      } else {
        out.append_from(*args[0].column, args[0].index(i));
      }
    }
    return out;
  }

  Column integral(Op op, const std::vector<Operand>& args, const Selection& rows) {
    Column out(Type::Bigint);
    out.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (!args[0].has_value(i) || (args.size() > 1 && !args[1].has_value(i))) {
        out.append_null();
        continue;
      }
      const std::int64_t a = args[0].integer(i);
      const std::int64_t b = args.size() > 1 ? args[1].integer(i) : 0;
      std::int64_t result = 0;
      bool overflow = false;
      if (op == Op::Add) overflow = __builtin_add_overflow(a, b, &result);
      if (op == Op::Sub) overflow = __builtin_sub_overflow(a, b, &result);
      if (op == Op::Mul) overflow = __builtin_mul_overflow(a, b, &result);
      if (op == Op::Neg) overflow = __builtin_sub_overflow(std::int64_t{0}, a, &result);
      if (op == Op::Mod && b != 0 && b != -1)
        result = a % b;  // by -1 the rest is 0, and INT64_MIN % -1 traps
      if (overflow || (op == Op::Mod && b == 0)) {
        errors_.add(rows[i],
                    overflow ? "the result is beyond the range of bigint" : "division by zero");
        out.append_null();
        continue;
      }
      out.append_int(result);
    }
    return out;
  }

  Column floating(Op op, const std::vector<Operand>& args, const Selection& rows) {
    Column out(Type::Double);
    out.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (!args[0].has_value(i) || (args.size() > 1 && !args[1].has_value(i))) {
        out.append_null();
        continue;
      }
      const double a = args[0].number(i);
      const double b = args.size() > 1 ? args[1].number(i) : 0;
      if ((op == Op::Div || op == Op::Mod) && b == 0) {
        errors_.add(rows[i], "division by zero");
        out.append_null();
        continue;
      }
      out.append_double(op == Op::Add   ? a + b
                        : op == Op::Sub ? a - b
                        : op == Op::Mul ? a * b
                        : op == Op::Div ? a / b
                        : op == Op::Mod ? std::fmod(a, b)
                                        : -a);
    }
    return out;
  }

  static Column text(const Node& node, const std::vector<Operand>& args, std::size_t count) {
    Column out(node.type);
    out.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      bool all = true;
      for (const Operand& arg : args) all = all && arg.has_value(i);
      if (!all) {
        out.append_null();
      } else {
        append_text(node.op, args, i, out);
      }
    }
    return out;
  }

  static void append_text(Op op, const std::vector<Operand>& args, std::size_t i, Column& out) {
    const BytesView first = args[0].bytes(i);
    switch (op) {
      case Op::Lower:
        return append_lower(out, first);
      case Op::Upper:
        return append_upper(out, first);
      case Op::Trim:
        return out.append_bytes(trim_left(trim_right(first)));
      case Op::LTrim:
        return out.append_bytes(trim_left(first));
      case Op::RTrim:
        return out.append_bytes(trim_right(first));
      case Op::Length:
        return out.append_int(character_count(first));
      case Op::Like:
        return out.append_int(like(first, args[1].bytes(i)) ? 1 : 0);
      case Op::Replace:
        return append_replaced(out, first, args[1].bytes(i), args[2].bytes(i));
      case Op::Substr:
        return out.append_bytes(
            substring(first, args[1].integer(i),
                      args.size() > 2 ? std::optional(args[2].integer(i)) : std::nullopt));
      case Op::Concat:
        for (const Operand& arg : args) out.arena().append(arg.bytes(i));
        return out.end_bytes();
      default:
        CHECK(false, "an operator without a kernel");
    }
  }

  const ColumnPointers& columns_;
  RowErrors& errors_;
};

}  // namespace

Operand owned(Column column) {
  Operand operand;
  operand.owned = std::make_shared<const Column>(std::move(column));
  operand.column = operand.owned.get();
  return operand;
}

Operand evaluate(const Node& node, const ColumnPointers& columns, const Selection& rows,
                 RowErrors& errors) {
  return Evaluator(columns, errors).run(node, rows);
}

}  // namespace penstock::sql
