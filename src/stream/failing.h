// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

namespace penstock::stream {

// What a failure of the broker or the store means for the engine.
enum class Failing {
  Transient,  // the same again may work
  Row,        // this row, or this batch of rows, is refused for good
  Person,     // it works again once a person has helped, and nothing of ours has to change: a
              // password that expired, a right that was taken away, a table that was dropped
  Global,     // nothing will work before a person has changed the pipeline or its configuration
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
    case Code::Unauthorized:
    case Code::NotFound:
      return Failing::Person;
    case Code::InvalidArgument:
    case Code::TooLarge:
    case Code::OutOfRange:
      return Failing::Row;
    default:
      return Failing::Global;
  }
}

}  // namespace penstock::stream
