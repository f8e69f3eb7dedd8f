// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/function.h"
#include "base/result.h"
#include "base/uuid.h"
#include "wire/cql/errors.h"
#include "wire/cql/frame.h"
#include "wire/cql/responses.h"

namespace penstock::cql_server {

// The columns are shared with the plan that gave them.
struct RowsReply {
  cql::RowsBuilder rows;
  std::shared_ptr<const std::vector<cql::ColumnSpec>> columns;
  bool skip_columns = false;
  std::optional<Bytes> paging_state;
};

// What a request is answered with, before it is a frame.
struct Reply {
  using Body = std::variant<cql::VoidResult, cql::ErrorResponse, RowsReply, cql::SetKeyspaceResult,
                            cql::PreparedResult, cql::SchemaChange>;

  Reply() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): each of them is an answer
  template <class T>
  requires std::is_constructible_v<Body, T&&> Reply(T&& of) : body(std::forward<T>(of)) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  Reply(const Error& error) : body(cql::to_cql(error)) {}

  bool is_error() const { return std::holds_alternative<cql::ErrorResponse>(body); }

  Body body;
  std::vector<std::string> warnings;
  std::optional<Uuid> tracing_id;
};

// An error whose code the sender knows better than Error can say.
inline Reply error_reply(cql::ErrorCode code, std::string message) {
  cql::ErrorResponse response;
  response.code = code;
  response.message = std::move(message);
  return response;
}

// Called once, on any thread.
using Respond = Function<void(Reply)>;

Bytes encode(const Reply& reply, std::uint8_t version, std::int16_t stream,
             cql::Compression compression);

}  // namespace penstock::cql_server
