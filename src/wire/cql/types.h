// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/cql/kind.h"
#include "wire/cql/wire_io.h"

namespace penstock::cql {

// A CQL type: a scalar kind, or a collection, tuple, user type or custom class. A small value: a
// scalar owns nothing, the others share one immutable node. Equality is structural; frozen matters
// only for collections.
class TypeRef {
 public:
  struct Field;

  // NOLINTNEXTLINE(google-explicit-constructor): a scalar kind is a type
  TypeRef(Kind scalar = Kind::Blob);

  static TypeRef list(TypeRef element);
  static TypeRef set(TypeRef element);
  static TypeRef map(TypeRef key, TypeRef value);
  static TypeRef tuple(std::vector<TypeRef> elements);
  static TypeRef udt(std::string keyspace, std::string name, std::vector<Field> fields);
  static TypeRef custom(std::string class_name);

  // Reads CQL's spelling, "map<text, frozen<list<int>>>"; nesting is bounded. User types are not
  // known here: an unknown name is NotFound.
  static Result<TypeRef> parse(std::string_view text);

  Kind kind() const { return kind_; }
  bool scalar() const { return is_scalar(kind_); }
  bool collection() const {
    return kind_ == Kind::List || kind_ == Kind::Set || kind_ == Kind::Map;
  }

  bool is_frozen() const { return frozen_; }
  TypeRef frozen() const;

  // Elements: one for list and set, key and value for map, all of a tuple's or user type's. Empty
  // for scalars.
  const std::vector<TypeRef>& children() const;
  // User types: field names in the order of children(). Custom: class_name() is the Java class.
  const std::vector<std::string>& field_names() const;
  const std::string& udt_keyspace() const;
  const std::string& udt_name() const;
  const std::string& class_name() const;

  // CQL's spelling, as cqlsh and system_schema show it.
  std::string text() const;

  friend bool operator==(const TypeRef& a, const TypeRef& b);

 private:
  struct Node;
  TypeRef(Kind kind, std::shared_ptr<const Node> node);
  const Node& node() const;

  Kind kind_;
  bool frozen_ = false;
  std::shared_ptr<const Node> node_;
};

struct TypeRef::Field {
  std::string name;
  TypeRef type;
};

// The [option] of result metadata, spec section 4.2.5.2. A type newer than the protocol version
// goes out as custom with Cassandra's class name (smallint on v3, duration on v3 and v4), and such
// a custom type reads back as what it means.
void write_type(Writer& to, const TypeRef& type, std::uint8_t version);
TypeRef read_type(Reader& from);

}  // namespace penstock::cql
