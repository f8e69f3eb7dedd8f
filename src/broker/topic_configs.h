// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "broker/config.h"
#include "wire/kafka/configs.h"

namespace penstock::broker {

// One setting as DescribeConfigs shows it.
struct ConfigEntry {
  std::string name;
  kafka::ConfigType type;
  std::string value;
  std::string
      broker_name;  // the broker's setting that a topic without its own follows; may be empty
  std::string documentation;
};

// Every topic setting that Kafka 3.4 knows, with what a topic that does not set it has. Settings
// that Penstock does not act on are listed too: tools read all, change one, and write all back.
std::vector<ConfigEntry> topic_config_defaults(const BrokerConfig& config);
// Which of them have an effect here, and why the others have none: the table of COMPAT.md.
std::string topic_settings_markdown();
// The broker's own settings, read-only over the wire.
std::vector<ConfigEntry> broker_config_entries(const BrokerConfig& config);

// Whether a topic may be given this setting: InvalidArgument, saying why not, for an unknown name
// or a value that cannot be.
Result<void> check_topic_config(std::string_view name, const std::optional<std::string>& value);

}  // namespace penstock::broker
