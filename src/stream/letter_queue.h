// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "stream/ports.h"

namespace penstock::stream {

// The letters of one batch on their way to the dead-letter topic. Ask next(), send those, tell
// answered(); until empty(). A value without a thread.
//
// All go together at first. A broker judges whole batches, so a letter that is refused as too large
// goes again alone, and only if that is refused too it goes with less in it: without its value,
// then without its key and its own headers. What is left then, the reason and where the record is,
// takes less than 2 KiB; a topic that does not even take that is waited for, with an error.
class LetterQueue {
 public:
  void add(std::vector<DeadLetter> letters);
  bool empty() const { return together_.empty() && alone_.empty(); }

  std::vector<DeadLetter> next() const;

  struct Outcome {
    std::size_t acknowledged = 0;
    std::vector<DeadLetter> shortened;  // of those: that arrived with less than the whole record
    std::optional<Error> error;         // why some are still here, if not for their size
  };
  // What came of next(): one result a letter.
  Outcome answered(const std::vector<Result<void>>& results);

 private:
  std::vector<DeadLetter> together_;
  std::deque<DeadLetter> alone_;  // one at a time, once nothing goes together any more
};

}  // namespace penstock::stream
