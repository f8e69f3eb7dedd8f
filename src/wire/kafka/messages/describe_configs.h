// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "wire/kafka/api.h"
#include "wire/kafka/configs.h"
#include "wire/kafka/errors.h"
#include "wire/kafka/ids.h"

namespace penstock::kafka {

struct DescribeConfigsResponse;

// configuration_keys: null = all.
struct DescribeConfigsRequest {
  using Response = DescribeConfigsResponse;
  static constexpr Api api{
      .key = 32, .name = "DescribeConfigs", .versions = {0, 4}, .flexible_since = 4};

  struct Resource {
    ConfigResource resource_type = ConfigResource::Unknown;
    std::string resource_name;
    std::optional<std::vector<std::string>> configuration_keys;

    static void walk(auto& io, auto& m) {
      io.field("ResourceType", m.resource_type, since(0));
      io.field("ResourceName", m.resource_name, since(0));
      io.field("ConfigurationKeys", m.configuration_keys, since(0), nullable_since(0));
    }
    bool operator==(const Resource&) const = default;
  };

  std::vector<Resource> resources;
  bool include_synonyms = false;
  bool include_documentation = false;

  static void walk(auto& io, auto& m) {
    io.field("Resources", m.resources, since(0));
    io.field("IncludeSynonyms", m.include_synonyms, since(1));
    io.field("IncludeDocumentation", m.include_documentation, since(3));
  }
  bool operator==(const DescribeConfigsRequest&) const = default;
};

// v0 says is_default, v1+ config_source and synonyms instead (KIP-226).
struct DescribeConfigsResponse {
  static constexpr Api api = DescribeConfigsRequest::api;

  struct Resource {
    struct Config {
      struct Synonym {
        std::string name;
        std::optional<std::string> value;
        ConfigSource source = ConfigSource::Unknown;

        static void walk(auto& io, auto& m) {
          io.field("Name", m.name, since(1));
          io.field("Value", m.value, since(1), nullable_since(1));
          io.field("Source", m.source, since(1));
        }
        bool operator==(const Synonym&) const = default;
      };

      std::string name;
      std::optional<std::string> value;
      bool read_only = false;
      bool is_default = false;
      ConfigSource config_source = ConfigSource::Unknown;
      bool is_sensitive = false;
      std::vector<Synonym> synonyms;
      ConfigType config_type = ConfigType::Unknown;
      std::optional<std::string> documentation;

      static void walk(auto& io, auto& m) {
        io.field("Name", m.name, since(0));
        io.field("Value", m.value, since(0), nullable_since(0));
        io.field("ReadOnly", m.read_only, since(0));
        io.field("IsDefault", m.is_default, only(0));
        io.field("ConfigSource", m.config_source, since(1), ignorable);
        io.field("IsSensitive", m.is_sensitive, since(0));
        io.field("Synonyms", m.synonyms, since(1), ignorable);
        io.field("ConfigType", m.config_type, since(3), ignorable);
        io.field("Documentation", m.documentation, since(3), nullable_since(3), ignorable);
      }
      bool operator==(const Config&) const = default;
    };

    KafkaError error = KafkaError::None;
    std::optional<std::string> error_message;
    ConfigResource resource_type = ConfigResource::Unknown;
    std::string resource_name;
    std::vector<Config> configs;

    static void walk(auto& io, auto& m) {
      io.field("ErrorCode", m.error, since(0));
      io.field("ErrorMessage", m.error_message, since(0), nullable_since(0));
      io.field("ResourceType", m.resource_type, since(0));
      io.field("ResourceName", m.resource_name, since(0));
      io.field("Configs", m.configs, since(0));
    }
    bool operator==(const Resource&) const = default;
  };

  std::int32_t throttle_ms = 0;
  std::vector<Resource> resources;

  static void walk(auto& io, auto& m) {
    io.field("ThrottleTimeMs", m.throttle_ms, since(0));
    io.field("Results", m.resources, since(0));
  }
  bool operator==(const DescribeConfigsResponse&) const = default;
};

}  // namespace penstock::kafka
