// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "client/cql_config.h"
#include "main/yaml_section_internal.h"

namespace penstock::main_room {

// `kafka.security` and `kafka.properties`, for a real Kafka, as librdkafka's own configuration.
// Files are relative to `folder`. A secret is given by value (${NAME} keeps it out of the file) or
// by a file that holds it; what is wrong with it is said without it.
void read_kafka_security(YamlSection& kafka, const std::filesystem::path& folder,
                         std::map<std::string, std::string>& into);

// How the client of a real Cassandra behaves: `cassandra.auth`, `.tls`, `.local_dc`,
// `.consistency`, `.compression`, `.protocol_version` and its limits.
void read_cassandra_client(YamlSection& cassandra, const std::filesystem::path& folder,
                           client::CqlConfig& into);

}  // namespace penstock::main_room
