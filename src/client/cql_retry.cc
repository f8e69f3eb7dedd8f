// SPDX-License-Identifier: Apache-2.0
#include "client/cql_retry.h"

namespace penstock::client {

RetryAction decide_retry(const std::optional<cql::ErrorResponse>& error, bool idempotent,
                         cql::Consistency consistency, int attempt, int attempts_max) {
  if (attempt + 1 >= attempts_max || cql::is_serial(consistency)) return RetryAction::Fail;
  const RetryAction if_idempotent = idempotent ? RetryAction::NextNode : RetryAction::Fail;
  if (!error) return if_idempotent;
  using cql::ErrorCode;
  switch (error->code) {
    case ErrorCode::IsBootstrapping:
      return RetryAction::NextNode;  // it has done nothing
    case ErrorCode::Unavailable:
      // The coordinator has sent nothing to replicas; another may see more of them alive.
      return attempt == 0 || idempotent ? RetryAction::NextNode : RetryAction::Fail;
    case ErrorCode::ReadTimeout:
      // Enough replicas answered, only the one asked for data did not: the second try usually picks
      // another.
      if (attempt == 0 && error->received >= error->required && !error->data_present)
        return RetryAction::SameNode;
      // Too few did: one of those that were asked is dead and not known to be. Another coordinator
      // may know, or ask others.
      return if_idempotent;
    case ErrorCode::WriteTimeout:
      if (idempotent) return RetryAction::SameNode;
      return RetryAction::Fail;
    case ErrorCode::Overloaded:
    case ErrorCode::ServerError:
    case ErrorCode::TruncateError:
    case ErrorCode::ReadFailure:
      return if_idempotent;
    case ErrorCode::ProtocolError:
    case ErrorCode::BadCredentials:
    case ErrorCode::FunctionFailure:
    case ErrorCode::WriteFailure:
    case ErrorCode::CdcWriteFailure:
    case ErrorCode::CasWriteUnknown:
    case ErrorCode::SyntaxError:
    case ErrorCode::Unauthorized:
    case ErrorCode::Invalid:
    case ErrorCode::ConfigError:
    case ErrorCode::AlreadyExists:
    case ErrorCode::Unprepared:
      return RetryAction::Fail;
  }
  return RetryAction::Fail;
}

}  // namespace penstock::client
