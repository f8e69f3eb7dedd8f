// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "wire/kafka/api.h"
#include "wire/kafka/messages/api_versions.h"

namespace penstock::kafka {

// Every API that we serve, in the order of the keys.
std::span<const Api> served_apis();
// Null when the key is not served.
const Api* find_api(std::int16_t key);

// The answer to ApiVersions.
ApiVersionsResponse api_versions();
// The answer to an ApiVersions request of a version that we do not know: send it as version 0.
ApiVersionsResponse unsupported_api_versions();

// The table of COMPAT.md, in Markdown.
std::string served_apis_markdown();

}  // namespace penstock::kafka
