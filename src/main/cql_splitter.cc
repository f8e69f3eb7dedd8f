// SPDX-License-Identifier: Apache-2.0
#include "main/cql_splitter.h"

#include <algorithm>
#include <cctype>

namespace penstock::main_room {
namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return out;
}

// Where the quoted text or comment that begins at `at` ends (one past); npos while its end has not
// come; `at` when nothing of the kind begins there.
std::size_t skip_opaque(std::string_view text, std::size_t at) {
  const auto past = [&](std::string_view end, std::size_t from) {
    const std::size_t found = text.find(end, from);
    return found == std::string_view::npos ? found : found + end.size();
  };
  if (text[at] == '\'' || text[at] == '"')
    return past(text.substr(at, 1), at + 1);  // '' is two quoted texts in a row
  const std::string_view two = text.substr(at, 2);
  if (two == "$$" || two == "/*") return past(two == "$$" ? "$$" : "*/", at + 2);
  if (two == "--" || two == "//") return past("\n", at + 2);
  return at;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())))
    text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
    text.remove_suffix(1);
  return text;
}

// Text without comments and blanks before it.
std::string_view skip_leading(std::string_view text) {
  for (text = trim(text);
       text.starts_with("--") || text.starts_with("//") || text.starts_with("/*");
       text = trim(text)) {
    const std::size_t end = skip_opaque(text, 0);
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end);
  }
  return text;
}

// Follows the words of a statement to know whether it is a batch that is still open.
class BatchState {
 public:
  void word(const std::string& word) {
    ++words_;
    if (words_ == 1) begins_ = word == "BEGIN";
    if (begins_ && words_ <= 3 && word == "BATCH") open_ = true;
    if (open_ && word == "BATCH" && last_ == "APPLY") open_ = false;
    last_ = word;
  }
  bool open() const { return open_; }

 private:
  int words_ = 0;
  bool begins_ = false;
  bool open_ = false;
  std::string last_;
};

// Position of the ';' that ends the first statement; npos when it has not come.
std::size_t end_of_statement(std::string_view text) {
  BatchState batch;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t after = skip_opaque(text, at);
    if (after == std::string_view::npos) return after;
    if (after != at) {
      at = after;
    } else if (is_word(text[at])) {
      const std::size_t start = at;
      while (at < text.size() && is_word(text[at])) ++at;
      batch.word(upper(text.substr(start, at - start)));
    } else if (text[at] == ';' && !batch.open()) {
      return at;
    } else {
      ++at;
    }
  }
  return std::string_view::npos;
}

}  // namespace

std::optional<std::string> CqlSplitter::next() {
  while (true) {
    const std::size_t end = end_of_statement(pending_);
    if (end == std::string::npos) return std::nullopt;
    const std::string statement(trim(skip_leading(std::string_view(pending_).substr(0, end))));
    pending_.erase(0, end + 1);
    if (!statement.empty()) return statement;
  }
}

std::string CqlSplitter::rest() {
  std::string left(trim(skip_leading(pending_)));
  pending_.clear();
  return left;
}

bool CqlSplitter::blank() const {
  return skip_leading(pending_).empty();
}

}  // namespace penstock::main_room
