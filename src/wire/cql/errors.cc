// SPDX-License-Identifier: Apache-2.0
#include "wire/cql/errors.h"

namespace penstock::cql {
namespace {

// What a client of an older version is told instead (research: drivers of v3 do not know the code).
ErrorCode code_for(ErrorCode code, std::uint8_t version) {
  if (code == ErrorCode::CasWriteUnknown && version < 5) return ErrorCode::WriteTimeout;
  if (version >= 4) return code;
  switch (code) {
    case ErrorCode::ReadFailure:
      return ErrorCode::ReadTimeout;
    case ErrorCode::WriteFailure:
      return ErrorCode::WriteTimeout;
    case ErrorCode::FunctionFailure:
    case ErrorCode::CdcWriteFailure:
      return ErrorCode::Invalid;
    default:
      return code;
  }
}

void write_counts(Writer& to, const ErrorResponse& response) {
  to.consistency(response.consistency);
  to.i32(response.received);
  to.i32(response.required);
}

void read_counts(Reader& from, ErrorResponse& response) {
  response.consistency = from.consistency();
  response.received = from.i32();
  response.required = from.i32();
}

// How many replicas failed: a number until v4, each with its reason from v5 on.
void write_failures(Writer& to, const ErrorResponse& response) {
  if (to.version() < 5) return to.i32(response.failures);
  to.i32(static_cast<std::int32_t>(response.reasons.size()));
  for (const auto& [address, reason] : response.reasons) {
    to.u8(static_cast<std::uint8_t>(address.size()));
    to.raw(address);
    to.u16(reason);
  }
}

void read_failures(Reader& from, ErrorResponse& response) {
  response.failures = from.i32();
  if (from.version() < 5) return;
  for (std::int32_t left = response.failures; left > 0 && from.ok(); --left) {
    const std::uint8_t size = from.u8();
    if (size != 4 && size != 16) from.fail_with("an address has neither 4 nor 16 bytes");
    Bytes address(from.raw(size));
    const std::uint16_t reason = from.u16();
    response.reasons.emplace_back(std::move(address), reason);
  }
}

// v5 tells how often others were in the way, if it was a compare-and-set.
bool tells_contentions(std::uint8_t version, const ErrorResponse& response) {
  return version >= 5 && response.write_type == "CAS";
}

}  // namespace

std::string_view name(ErrorCode code) {
  switch (code) {
    case ErrorCode::ServerError:
      return "ServerError";
    case ErrorCode::ProtocolError:
      return "ProtocolException";
    case ErrorCode::BadCredentials:
      return "AuthenticationFailed";
    case ErrorCode::Unavailable:
      return "Unavailable";
    case ErrorCode::Overloaded:
      return "Overloaded";
    case ErrorCode::IsBootstrapping:
      return "IsBootstrapping";
    case ErrorCode::TruncateError:
      return "TruncateError";
    case ErrorCode::WriteTimeout:
      return "WriteTimeout";
    case ErrorCode::ReadTimeout:
      return "ReadTimeout";
    case ErrorCode::ReadFailure:
      return "ReadFailure";
    case ErrorCode::FunctionFailure:
      return "FunctionFailure";
    case ErrorCode::WriteFailure:
      return "WriteFailure";
    case ErrorCode::CdcWriteFailure:
      return "CDCWriteFailure";
    case ErrorCode::CasWriteUnknown:
      return "CASWriteUnknown";
    case ErrorCode::SyntaxError:
      return "SyntaxException";
    case ErrorCode::Unauthorized:
      return "Unauthorized";
    case ErrorCode::Invalid:
      return "InvalidRequest";
    case ErrorCode::ConfigError:
      return "ConfigurationException";
    case ErrorCode::AlreadyExists:
      return "AlreadyExists";
    case ErrorCode::Unprepared:
      return "PreparedQueryNotFound";
  }
  return "UnknownError";
}

void write(Writer& to, const ErrorResponse& response) {
  const ErrorCode code = code_for(response.code, to.version());
  to.i32(static_cast<std::int32_t>(code));
  to.string(response.message);
  switch (code) {
    case ErrorCode::Unavailable:
      to.consistency(response.consistency);
      to.i32(response.required);
      to.i32(response.alive);
      break;
    case ErrorCode::WriteTimeout:
      write_counts(to, response);
      to.string(response.code == ErrorCode::CasWriteUnknown ? "CAS" : response.write_type);
      if (tells_contentions(to.version(), response)) to.u16(response.contentions);
      break;
    case ErrorCode::CasWriteUnknown:
      write_counts(to, response);
      break;
    case ErrorCode::ReadTimeout:
      write_counts(to, response);
      to.u8(response.data_present);
      break;
    case ErrorCode::ReadFailure:
      write_counts(to, response);
      write_failures(to, response);
      to.u8(response.data_present);
      break;
    case ErrorCode::WriteFailure:
      write_counts(to, response);
      write_failures(to, response);
      to.string(response.write_type);
      break;
    case ErrorCode::FunctionFailure:
      to.string(response.keyspace);
      to.string(response.table);
      to.string_list(response.argument_types);
      break;
    case ErrorCode::AlreadyExists:
      to.string(response.keyspace);
      to.string(response.table);
      break;
    case ErrorCode::Unprepared:
      to.short_bytes(response.prepared_id);
      break;
    default:
      break;
  }
}

Result<ErrorResponse> decode_error(BytesView body, std::uint8_t version) {
  Reader from(body, version);
  ErrorResponse response;
  response.code = static_cast<ErrorCode>(from.i32());
  response.message = std::string(from.string());
  switch (response.code) {
    case ErrorCode::Unavailable:
      response.consistency = from.consistency();
      response.required = from.i32();
      response.alive = from.i32();
      break;
    case ErrorCode::WriteTimeout:
      read_counts(from, response);
      response.write_type = std::string(from.string());
      if (tells_contentions(version, response)) response.contentions = from.u16();
      break;
    case ErrorCode::CasWriteUnknown:
      read_counts(from, response);
      break;
    case ErrorCode::ReadTimeout:
      read_counts(from, response);
      response.data_present = from.u8() != 0;
      break;
    case ErrorCode::ReadFailure:
      read_counts(from, response);
      read_failures(from, response);
      response.data_present = from.u8() != 0;
      break;
    case ErrorCode::WriteFailure:
      read_counts(from, response);
      read_failures(from, response);
      response.write_type = std::string(from.string());
      break;
    case ErrorCode::FunctionFailure:
      response.keyspace = std::string(from.string());
      response.table = std::string(from.string());
      response.argument_types = from.string_list();
      break;
    case ErrorCode::AlreadyExists:
      response.keyspace = std::string(from.string());
      response.table = std::string(from.string());
      break;
    case ErrorCode::Unprepared:
      response.prepared_id = Bytes(from.short_bytes());
      break;
    default:
      break;
  }
  TRY(from.status("ERROR"));
  return response;
}

ErrorResponse to_cql(const Error& error) {
  ErrorResponse response;
  response.message = error.message;
  response.code = [&] {
    switch (error.code) {
      case Code::InvalidArgument:
      case Code::NotFound:
      case Code::AlreadyExists:
      case Code::OutOfRange:
      case Code::TooLarge:
      case Code::Unsupported:
        return ErrorCode::Invalid;
      case Code::Unauthorized:
        return ErrorCode::Unauthorized;
      case Code::Unavailable:
      case Code::Closed:
      case Code::Conflict:
        return ErrorCode::Overloaded;  // drivers try another node, or later
      case Code::Timeout:
        return ErrorCode::WriteTimeout;
      case Code::Corrupt:
      case Code::NoSpace:
      case Code::Io:
      case Code::Internal:
        return ErrorCode::ServerError;
    }
    return ErrorCode::ServerError;
  }();
  if (response.code == ErrorCode::WriteTimeout) {
    response.required = 1;
    response.write_type = "SIMPLE";
  }
  return response;
}

Error from_cql(const ErrorResponse& response) {
  const Code code = [&] {
    switch (response.code) {
      case ErrorCode::BadCredentials:
      case ErrorCode::Unauthorized:
        return Code::Unauthorized;
      case ErrorCode::Unavailable:
      case ErrorCode::Overloaded:
      case ErrorCode::IsBootstrapping:
        return Code::Unavailable;
      case ErrorCode::WriteTimeout:
      case ErrorCode::ReadTimeout:
      case ErrorCode::CasWriteUnknown:
        return Code::Timeout;
      case ErrorCode::SyntaxError:
      case ErrorCode::Invalid:
      case ErrorCode::ConfigError:
        return Code::InvalidArgument;
      case ErrorCode::AlreadyExists:
        return Code::AlreadyExists;
      case ErrorCode::Unprepared:
        return Code::NotFound;
      case ErrorCode::ProtocolError:
        return Code::Unsupported;
      case ErrorCode::ServerError:
      case ErrorCode::TruncateError:
      case ErrorCode::ReadFailure:
      case ErrorCode::FunctionFailure:
      case ErrorCode::WriteFailure:
      case ErrorCode::CdcWriteFailure:
        return Code::Internal;
    }
    return Code::Internal;
  }();
  return {code, fmt::format("{}: {}", name(response.code), response.message)};
}

}  // namespace penstock::cql
