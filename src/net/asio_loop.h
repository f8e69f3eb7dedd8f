// SPDX-License-Identifier: Apache-2.0
// The one header that shows Asio. For .cc files of net and http only: it takes seconds to compile.
#pragma once

#include <boost/asio/io_context.hpp>

#include "net/loop.h"

namespace penstock::net {

// The io_context behind a loop made by Loops. CHECKs that it is one (a FakeLoop has none).
boost::asio::io_context& io_context(Loop& loop);

}  // namespace penstock::net
