// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// What DescribeConfigs and CreateTopics say about one configuration value.
namespace penstock::kafka {

enum class ConfigResource : std::int8_t { Unknown = 0, Topic = 2, Broker = 4, BrokerLogger = 8 };

enum class ConfigSource : std::int8_t {
  Unknown = -1,
  Topic = 1,
  DynamicBroker = 2,
  DynamicDefaultBroker = 3,
  StaticBroker = 4,
  Default = 5,
  BrokerLogger = 6
};

enum class ConfigType : std::int8_t {
  Unknown = 0,
  Boolean = 1,
  String = 2,
  Int = 3,
  Short = 4,
  Long = 5,
  Double = 6,
  List = 7,
  Class = 8,
  Password = 9
};

}  // namespace penstock::kafka
