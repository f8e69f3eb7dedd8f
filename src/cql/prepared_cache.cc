// SPDX-License-Identifier: Apache-2.0
#include "cql/prepared_cache.h"

#include <openssl/evp.h>

#include <algorithm>

#include "base/check.h"

namespace penstock::cql_server {

Bytes prepared_id(std::string_view keyspace, std::string_view text) {
  Bytes input(keyspace);
  input += text;
  Bytes id(16, '\0');
  unsigned int size = 0;
  const int ok = EVP_Digest(input.data(), input.size(), reinterpret_cast<unsigned char*>(id.data()),
                            &size, EVP_md5(), nullptr);
  CHECK(ok == 1 && size == 16, "MD5 is not available");
  return id;
}

PreparedPtr PreparedCache::find(BytesView id) {
  const std::lock_guard lock(mutex_);
  const auto found = statements_.find(id);
  if (found == statements_.end()) return nullptr;
  found->second->last_used = ++uses_;
  return found->second;
}

PreparedPtr PreparedCache::add(PreparedPtr statement) {
  const std::lock_guard lock(mutex_);
  if (const auto found = statements_.find(statement->id); found != statements_.end())
    return found->second;
  if (statements_.size() >= statements_max_) {
    const auto oldest = std::min_element(
        statements_.begin(), statements_.end(),
        [](const auto& a, const auto& b) { return a.second->last_used < b.second->last_used; });
    if (oldest != statements_.end()) statements_.erase(oldest);
  }
  statement->last_used = ++uses_;
  statements_.emplace(statement->id, statement);
  return statement;
}

std::vector<PreparedPtr> PreparedCache::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<PreparedPtr> all;
  for (const auto& [id, statement] : statements_) all.push_back(statement);
  return all;
}

}  // namespace penstock::cql_server
