// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace penstock::main_room {

// Cuts text into CQL statements at ';', as cqlsh does: not inside '...' "..." $$...$$ or a comment,
// and not between BEGIN BATCH and APPLY BATCH. Text may come in pieces of any size.
class CqlSplitter {
 public:
  void feed(std::string_view text) { pending_ += text; }

  // The next whole statement, without its ';' and the blanks around it; never empty.
  std::optional<std::string> next();
  // What is left without a ';': a statement too, at the end of -e or a file. Empty when only blanks
  // or comments are left.
  std::string rest();
  bool blank() const;  // nothing but blanks and comments waits

 private:
  std::string pending_;
};

}  // namespace penstock::main_room
