// SPDX-License-Identifier: Apache-2.0
#include "cql/schema_statements.h"

#include "cql/table_builder.h"
#include "cql/table_options.h"

namespace penstock::cql_server {
namespace {

using cql::ErrorCode;
using table::CatalogEdit;

struct Runner {
  const std::string& current;
  const SystemTables& system;
  table::Store& store;
  std::int64_t now_micros;

  Result<std::string> keyspace_of(const ast::TableName& name) const {
    const std::string& of = name.keyspace.empty() ? current : name.keyspace;
    if (of.empty())
      return fail(Code::InvalidArgument,
                  "No keyspace has been specified. USE a keyspace, or explicitly specify "
                  "keyspace.tablename");
    TRY(modifiable(of));
    return of;
  }
  Result<void> modifiable(const std::string& keyspace) const {
    if (system.is_system(keyspace))
      return fail(Code::Unauthorized, "{} keyspace is not user-modifiable.", keyspace);
    return {};
  }

  // `nothing` is set by a change that found its work done (IF NOT EXISTS and the like).
  Reply change(std::string_view what, std::string_view target, std::string keyspace,
               std::string object,
               const std::function<Result<void>(CatalogEdit&, bool& nothing)>& edit) const {
    bool nothing = false;
    auto changed =
        store.change_schema([&](CatalogEdit& catalog) { return edit(catalog, nothing); });
    if (!changed) {
      if (changed.error().code != Code::AlreadyExists) return changed.error();
      cql::ErrorResponse exists;
      exists.code = ErrorCode::AlreadyExists;
      exists.message =
          object.empty()
              ? fmt::format("Cannot add existing keyspace \"{}\"", keyspace)
              : fmt::format("Cannot add already existing table \"{}\" to keyspace \"{}\"", object,
                            keyspace);
      exists.keyspace = std::move(keyspace);
      exists.table = std::move(object);
      return exists;
    }
    if (nothing) return cql::VoidResult{};
    return cql::SchemaChange{
        std::string(what), std::string(target), std::move(keyspace), std::move(object), {}};
  }

  void warn_of_replication(const table::KeyspaceDef& keyspace, Reply& reply) const {
    for (const auto& [key, value] : keyspace.replication) {
      if (key != "class" && value != "1" && value != "0" && !reply.is_error())
        reply.warnings.push_back(fmt::format(
            "Your replication factor {} for keyspace {} is higher than the number of nodes 1{}",
            value, keyspace.name, key == "replication_factor" ? "" : " for datacenter " + key));
    }
  }

  Reply operator()(const ast::CreateKeyspace& statement) const {
    if (auto ok = check_name("Keyspace", statement.name); !ok) return ok.error();
    if (auto ok = modifiable(statement.name); !ok) return ok.error();
    table::KeyspaceDef keyspace;
    keyspace.name = statement.name;
    if (auto ok = apply_replication(statement.properties, system.config().data_center, keyspace);
        !ok)
      return error_reply(ErrorCode::ConfigError, ok.error().message);
    Reply reply = change("CREATED", "KEYSPACE", statement.name, {},
                         [&](CatalogEdit& edit, bool& nothing) -> Result<void> {
                           nothing = statement.if_not_exists &&
                                     edit.catalog().keyspace(statement.name) != nullptr;
                           return nothing ? Result<void>() : edit.create_keyspace(keyspace);
                         });
    warn_of_replication(keyspace, reply);
    return reply;
  }

  Reply operator()(const ast::AlterKeyspace& statement) const {
    if (auto ok = modifiable(statement.name); !ok) return ok.error();
    const auto existing = store.catalog()->keyspace(statement.name);
    if (!existing) {
      if (statement.if_exists) return cql::VoidResult{};
      return error_reply(ErrorCode::Invalid,
                         fmt::format("Keyspace '{}' doesn't exist", statement.name));
    }
    table::KeyspaceDef keyspace = *existing;
    if (auto ok = apply_replication(statement.properties, system.config().data_center, keyspace);
        !ok)
      return error_reply(ErrorCode::ConfigError, ok.error().message);
    Reply reply = change("UPDATED", "KEYSPACE", statement.name, {},
                         [&](CatalogEdit& edit, bool&) { return edit.alter_keyspace(keyspace); });
    warn_of_replication(keyspace, reply);
    return reply;
  }

  Reply operator()(const ast::DropKeyspace& statement) const {
    if (auto ok = modifiable(statement.name); !ok) return ok.error();
    return change("DROPPED", "KEYSPACE", statement.name, {},
                  [&](CatalogEdit& edit, bool& nothing) -> Result<void> {
                    if (edit.catalog().keyspace(statement.name))
                      return edit.drop_keyspace(statement.name);
                    nothing = statement.if_exists;
                    if (nothing) return {};
                    return fail(Code::InvalidArgument, "Keyspace '{}' doesn't exist",
                                statement.name);
                  });
  }

  Reply operator()(const ast::CreateTable& statement) const {
    const auto keyspace = keyspace_of(statement.table);
    if (!keyspace) return keyspace.error();
    if (auto ok = check_option_names(statement.properties); !ok)
      return error_reply(ErrorCode::SyntaxError, ok.error().message);
    auto table = build_table(statement, *keyspace);
    if (!table) return table.error();
    return change("CREATED", "TABLE", *keyspace, statement.table.table,
                  [&](CatalogEdit& edit, bool& nothing) -> Result<void> {
                    if (!edit.catalog().keyspace(*keyspace))
                      return fail(Code::InvalidArgument, "Keyspace '{}' doesn't exist", *keyspace);
                    nothing = statement.if_not_exists &&
                              edit.catalog().table(*keyspace, statement.table.table) != nullptr;
                    return nothing ? Result<void>() : edit.create_table(*table);
                  });
  }

  Reply operator()(const ast::AlterTable& statement) const {
    const auto keyspace = keyspace_of(statement.table);
    if (!keyspace) return keyspace.error();
    if (auto ok = check_option_names(statement.properties); !ok)
      return error_reply(ErrorCode::SyntaxError, ok.error().message);
    return change("UPDATED", "TABLE", *keyspace, statement.table.table,
                  [&](CatalogEdit& edit, bool& nothing) -> Result<void> {
                    const auto table = edit.catalog().table(*keyspace, statement.table.table);
                    if (!table) {
                      nothing = statement.if_exists;
                      if (nothing) return {};
                      return missing(*keyspace, statement.table.table);
                    }
                    return edit.alter_table(TRY(altered_table(statement, *table, now_micros)));
                  });
  }

  Reply operator()(const ast::DropTable& statement) const {
    const auto keyspace = keyspace_of(statement.table);
    if (!keyspace) return keyspace.error();
    return change("DROPPED", "TABLE", *keyspace, statement.table.table,
                  [&](CatalogEdit& edit, bool& nothing) -> Result<void> {
                    if (edit.catalog().table(*keyspace, statement.table.table))
                      return edit.drop_table(*keyspace, statement.table.table);
                    nothing = statement.if_exists;
                    if (nothing) return {};
                    return missing(*keyspace, statement.table.table);
                  });
  }

  Reply operator()(const ast::Truncate& statement) const {
    const auto keyspace = keyspace_of(statement.table);
    if (!keyspace) return keyspace.error();
    Reply reply = change(
        "UPDATED", "TABLE", *keyspace, statement.table.table,
        [&](CatalogEdit& edit, bool&) -> Result<void> {
          if (!edit.catalog().keyspace(*keyspace))
            return fail(Code::InvalidArgument, "keyspace {} does not exist", *keyspace);
          if (!edit.catalog().table(*keyspace, statement.table.table))
            return fail(Code::InvalidArgument, "table {} does not exist", statement.table.table);
          return edit.truncate_table(*keyspace, statement.table.table);
        });
    if (reply.is_error()) return reply;
    return cql::VoidResult{};  // no change of the schema
  }

  template <class Other>
  Reply operator()(const Other&) const {
    return error_reply(ErrorCode::ServerError, "not a schema statement");
  }

  static Failure missing(const std::string& keyspace, const std::string& table) {
    return fail(Code::InvalidArgument, "Table '{}.{}' doesn't exist", keyspace, table);
  }
};

}  // namespace

Reply run_schema_statement(const ast::Body& body, const std::string& keyspace,
                           const SystemTables& system, table::Store& store,
                           std::int64_t now_micros) {
  return std::visit(Runner{keyspace, system, store, now_micros}, body);
}

}  // namespace penstock::cql_server
