// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

#include <cerrno>
#include <system_error>

namespace penstock {

std::string_view name(Code code) {
  switch (code) {
    case Code::InvalidArgument:
      return "invalid argument";
    case Code::NotFound:
      return "not found";
    case Code::AlreadyExists:
      return "already exists";
    case Code::OutOfRange:
      return "out of range";
    case Code::Corrupt:
      return "corrupt";
    case Code::TooLarge:
      return "too large";
    case Code::Unsupported:
      return "unsupported";
    case Code::Unavailable:
      return "unavailable";
    case Code::Timeout:
      return "timeout";
    case Code::Closed:
      return "closed";
    case Code::NoSpace:
      return "no space";
    case Code::Io:
      return "input/output";
    case Code::Conflict:
      return "conflict";
    case Code::Unauthorized:
      return "unauthorized";
    case Code::Internal:
      return "internal";
  }
  return "unknown";
}

Error system_error(int error_number, std::string_view what) {
  Code code = Code::Io;
  if (error_number == ENOSPC || error_number == EDQUOT) code = Code::NoSpace;
  if (error_number == ENOENT) code = Code::NotFound;
  if (error_number == EEXIST) code = Code::AlreadyExists;
  if (error_number == EADDRINUSE) code = Code::Conflict;
  return Error{code, fmt::format("{}: {}", what, std::generic_category().message(error_number))};
}

}  // namespace penstock
