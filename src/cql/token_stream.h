// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cql/lexer.h"

namespace penstock::cql_server {

// The parser's place in a statement: looks at tokens, takes them, and words the error for one that
// does not fit. Also collects the bind markers, in order, and counts the depth of nested terms.
class TokenStream {
 public:
  explicit TokenStream(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  const Token& next() {
    const Token& token = peek();
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  bool at_end() const { return peek().kind == TokenKind::End; }

  // Keywords are names without quotes, in any case; `word` is lower case.
  bool is(std::string_view word, std::size_t ahead = 0) const {
    return peek(ahead).kind == TokenKind::Name && peek(ahead).value == word;
  }
  bool accept(std::string_view word) { return is(word) && (next(), true); }
  bool accept_words(std::string_view first, std::string_view second) {
    return is(first) && is(second, 1) && (next(), next(), true);
  }
  bool accept_symbol(std::string_view symbol) { return peek().symbol(symbol) && (next(), true); }

  Result<void> expect(std::string_view word) {
    if (!accept(word)) return unexpected(upper(word));
    return {};
  }
  Result<void> expect_symbol(std::string_view symbol) {
    if (!accept_symbol(symbol)) return unexpected("'" + std::string(symbol) + "'");
    return {};
  }

  // A name of a keyspace, table or column: quoted, or any word that is not reserved.
  Result<std::string> name(std::string_view what) {
    const Token& token = peek();
    const bool fits = token.kind == TokenKind::QuotedName ||
                      (token.kind == TokenKind::Name && !reserved(token.value));
    if (!fits) return unexpected(what);
    return next().value;
  }

  Failure unexpected(std::string_view expected) const {
    const Token& token = peek();
    const std::string found = token.kind == TokenKind::End
                                  ? "end of statement"
                                  : "input '" + std::string(token.text.substr(0, 40)) + "'";
    return fail(Code::InvalidArgument, "line {}:{} no viable alternative at {}: expected {}",
                token.line, token.column, found, expected);
  }
  std::string place() const { return fmt::format("line {}:{}", peek().line, peek().column); }

  std::size_t add_marker(std::string name) {
    markers_.push_back(std::move(name));
    return markers_.size() - 1;
  }
  std::vector<std::string> take_markers() { return std::move(markers_); }

  // Guards recursion: `const auto nested = stream.nest(); if (!nested) return too_deep();`
  static constexpr int kDepthMax = 32;
  class Nest {
   public:
    explicit Nest(int& depth) : depth_(depth) { ++depth_; }
    ~Nest() { --depth_; }
    Nest(const Nest&) = delete;
    Nest& operator=(const Nest&) = delete;
    explicit operator bool() const { return depth_ <= kDepthMax; }

   private:
    int& depth_;
  };
  Nest nest() { return Nest(depth_); }
  Failure too_deep() const {
    return fail(Code::InvalidArgument, "{} values nest deeper than {}", place(), kDepthMax);
  }

 private:
  static std::string upper(std::string_view word) {
    std::string text(word);
    for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    return text;
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::vector<std::string> markers_;
};

}  // namespace penstock::cql_server
