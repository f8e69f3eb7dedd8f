// SPDX-License-Identifier: Apache-2.0
#include "base/text_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace penstock {

Result<std::string> read_text(int descriptor) {
  constexpr std::size_t kPiece = 64 << 10;
  std::string text;
  for (std::size_t size = 0;;) {
    text.resize(size + kPiece);
    const ssize_t got = ::read(descriptor, text.data() + size, kPiece);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(system_error(errno, "cannot be read"));
    size += static_cast<std::size_t>(got);
    text.resize(size);
    if (got == 0) return text;
  }
}

Result<std::string> read_text_file(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return fail(system_error(errno, "cannot be read"));
  auto text = read_text(descriptor);
  ::close(descriptor);
  return text;
}

}  // namespace penstock
