// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>

#include "base/bytes.h"

namespace penstock::table {

// Growing memory that is written through a bare pointer: room() for as much as may come, used() for
// what came. Unlike std::string it never fills what is about to be overwritten, and large blocks
// grow by remapping pages.
class Buffer {
 public:
  // At least `bytes` of room behind what is used. Pointers into the buffer are void after it.
  char* room(std::size_t bytes) {
    if (bytes > capacity_ - size_) grow(bytes);
    return memory_.get() + size_;
  }
  void used(const char* end) { size_ = static_cast<std::size_t>(end - memory_.get()); }

  const char* data() const { return memory_.get(); }
  char* data() { return memory_.get(); }
  std::size_t size() const { return size_; }

 private:
  struct Free {
    void operator()(char* memory) const { std::free(memory); }
  };

  void grow(std::size_t bytes) {
    const std::size_t capacity = std::max(size_ + bytes, capacity_ + capacity_ / 2);
    auto* const memory = static_cast<char*>(std::realloc(memory_.get(), capacity));
    if (memory == nullptr) throw std::bad_alloc();
    static_cast<void>(memory_.release());
    memory_.reset(memory);
    capacity_ = capacity;
  }

  std::unique_ptr<char, Free> memory_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace penstock::table
