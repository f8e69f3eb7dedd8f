// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

namespace penstock::stream {

// What a failure of the broker or the store means for the engine.
enum class Failing {
  Transient,  // the same again may work
  Row,        // this row, or this batch of rows, is refused for good
  Global,     // nothing will work before a person has helped
};

constexpr Failing classify(Code code) {
  switch (code) {
    case Code::Timeout:  // the outcome is unknown: the same rows again change nothing
    case Code::Unavailable:
    case Code::Closed:
    case Code::Io:
    case Code::Conflict:
    case Code::NoSpace:
      return Failing::Transient;
    case Code::InvalidArgument:
    case Code::TooLarge:
    case Code::OutOfRange:
      return Failing::Row;
    default:
      return Failing::Global;
  }
}

}  // namespace penstock::stream
