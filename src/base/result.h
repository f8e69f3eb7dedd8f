// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <type_traits>
#include <utility>

namespace penstock {

// What kind of failure this is, for code that has to choose an answer. Each edge translates it
// once: to_kafka(), to_cql(), to_http().
enum class Code {
  InvalidArgument,  // the request is wrong and stays wrong
  NotFound,
  AlreadyExists,
  OutOfRange,
  Corrupt,      // bytes that do not say what they should
  TooLarge,     // a limit of ours; the message names it
  Unsupported,  // understood and refused
  Unavailable,  // may work later: peer gone, still loading
  Timeout,      // the outcome is unknown
  Closed,       // we are stopping
  NoSpace,      // the disk is full
  Io,           // the disk or the network failed otherwise
  Conflict,     // somebody else holds it
  Unauthorized,
  Internal,
};

std::string_view name(Code code);

// Why something failed: a kind for programs and a sentence for people. The sentence says what,
// where and, if it helps, what to do; callers put their context before it.
struct Error {
  Code code = Code::Internal;
  std::string message;

  // Error{"torn batch"}.with("reading segment 42") says "reading segment 42: torn batch".
  Error with(std::string_view context) && {
    message.insert(0, ": ");
    message.insert(0, context);
    return std::move(*this);
  }
  Error with(std::string_view context) const& { return Error(*this).with(context); }
};

// The value, or why there is none. tl::expected is named here and nowhere else.
template <class T>
using Result = tl::expected<T, Error>;

using Failure = tl::unexpected<Error>;

// `return fail(Code::NotFound, "topic {} does not exist", topic);`
template <class... Args>
[[nodiscard]] Failure fail(Code code, fmt::format_string<Args...> format, Args&&... args) {
  return Failure(Error{code, fmt::format(format, std::forward<Args>(args)...)});
}
[[nodiscard]] inline Failure fail(Error error) {
  return Failure(std::move(error));
}

// Error for a failed system call, from errno; ENOSPC and EDQUOT become NoSpace.
Error system_error(int error_number, std::string_view what);

// The value of a Result known to have one; for Result<void>, nothing. (tl::expected<void> has no
// rvalue value().)
template <class T>
T take(Result<T>&& result) {
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

}  // namespace penstock

// The value of a Result, or return its error from this function. A GNU statement expression: not
// for coroutines.
#define TRY(...) PENSTOCK_TRY(PENSTOCK_TRY_NAME(__COUNTER__), (__VA_ARGS__), )

// The same, with context: TRY_WITH(read(file), "segment 42").
#define TRY_WITH(expr, context) PENSTOCK_TRY(PENSTOCK_TRY_NAME(__COUNTER__), (expr), .with(context))

#define PENSTOCK_TRY(result, expr, context)                                     \
  ({                                                                            \
    auto result = expr;                                                         \
    if (!result) return ::penstock::Failure(std::move(result).error() context); \
    ::penstock::take(std::move(result));                                        \
  })
#define PENSTOCK_TRY_NAME(counter) PENSTOCK_TRY_NAME_2(counter)
#define PENSTOCK_TRY_NAME_2(counter) try_result_##counter
