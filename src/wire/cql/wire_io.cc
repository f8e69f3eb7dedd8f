// SPDX-License-Identifier: Apache-2.0
#include "wire/cql/wire_io.h"

#include <algorithm>
#include <cstring>

namespace penstock::cql {
namespace {

constexpr std::size_t kShortMax = 0xFFFF;

std::uint16_t short_size(std::size_t size) {
  return static_cast<std::uint16_t>(std::min(size, kShortMax));
}

}  // namespace

Result<void> Reader::status(std::string_view what) const {
  if (ok()) return {};
  return fail(Code::Corrupt, "malformed {}: {}", what, problem_);
}

void Reader::fail_with(const char* problem) {
  if (problem_ == nullptr) problem_ = problem;
  at_ = end_;
}

std::string_view Reader::long_string() {
  const std::int32_t size = i32();
  if (size < 0) {
    fail_with("a text has a negative length");
    return {};
  }
  return raw(static_cast<std::size_t>(size));
}

CellValue Reader::bytes() {
  const std::int32_t size = i32();
  if (size < 0) return CellValue::null();
  return CellValue(raw(static_cast<std::size_t>(size)));
}

Consistency Reader::consistency() {
  const std::uint16_t level = u16();
  if (level > kConsistencyMax) fail_with("there is no such consistency level");
  return static_cast<Consistency>(level);
}

Uuid Reader::uuid() {
  Uuid id;
  const BytesView bytes = raw(16);
  if (bytes.size() == 16) std::memcpy(id.bytes.data(), bytes.data(), 16);
  return id;
}

Inet Reader::inet() {
  const std::uint8_t size = u8();
  if (size != 4 && size != 16) fail_with("an address has neither 4 nor 16 bytes");
  Inet inet;
  inet.address = Bytes(raw(size));
  inet.port = i32();
  return inet;
}

std::vector<std::string> Reader::string_list() {
  std::vector<std::string> list;
  for (std::uint16_t left = u16(); left > 0 && ok(); --left) list.emplace_back(string());
  return list;
}

std::vector<std::pair<std::string, std::string>> Reader::string_map() {
  std::vector<std::pair<std::string, std::string>> map;
  for (std::uint16_t left = u16(); left > 0 && ok(); --left) {
    const std::string_view key = string();
    map.emplace_back(key, string());
  }
  return map;
}

std::vector<std::pair<std::string, std::vector<std::string>>> Reader::string_multimap() {
  std::vector<std::pair<std::string, std::vector<std::string>>> map;
  for (std::uint16_t left = u16(); left > 0 && ok(); --left) {
    const std::string_view key = string();
    map.emplace_back(key, string_list());
  }
  return map;
}

void Writer::string(std::string_view text) {
  const std::uint16_t size = short_size(text.size());
  u16(size);
  raw(text.substr(0, size));
}

void Writer::long_string(std::string_view text) {
  i32(static_cast<std::int32_t>(text.size()));
  raw(text);
}

void Writer::short_bytes(BytesView bytes) {
  string(bytes);
}

void Writer::inet(const Inet& inet) {
  u8(static_cast<std::uint8_t>(inet.address.size()));
  raw(inet.address);
  i32(inet.port);
}

void Writer::string_list(std::span<const std::string> list) {
  const std::uint16_t size = short_size(list.size());
  u16(size);
  for (const std::string& text : list.first(size)) string(text);
}

void Writer::string_map(std::span<const std::pair<std::string, std::string>> map) {
  const std::uint16_t size = short_size(map.size());
  u16(size);
  for (const auto& [key, value] : map.first(size)) {
    string(key);
    string(value);
  }
}

void Writer::string_multimap(
    std::span<const std::pair<std::string, std::vector<std::string>>> map) {
  const std::uint16_t size = short_size(map.size());
  u16(size);
  for (const auto& [key, values] : map.first(size)) {
    string(key);
    string_list(values);
  }
}

}  // namespace penstock::cql
