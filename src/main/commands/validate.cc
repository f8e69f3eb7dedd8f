// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fstream>
#include <memory>

#include "main/commands/commands.h"
#include "main/config.h"
#include "main/exit_code.h"
#include "stream/pipeline.h"

namespace penstock::main_room {
namespace {

struct Options {
  std::string config;
  std::vector<std::string> files;
  bool json = false;
};

// Everything wrong (or worth knowing) that was found, as people or programs read it.
class Findings {
 public:
  void add(const Problem& p) {
    add(p.file, p.line, p.column, true, p.message, p.suggestion, p.text());
  }
  void add(const stream::Problem& p) {
    add(p.file, p.line, p.column, p.severity == stream::Problem::Severity::Error, p.message,
        p.suggestion, p.text());
  }
  void checked(const std::string& file) { checked_.push_back(file); }

  int report(bool as_json) const {
    if (as_json) {
      const boost::json::array files(checked_.begin(), checked_.end());
      const boost::json::object all{{"valid", errors_ == 0}, {"files", files}, {"problems", json_}};
      fmt::print("{}\n", boost::json::serialize(all));
    } else {
      for (const std::string& line : lines_) fmt::print(stderr, "{}\n", line);
      if (errors_ == 0)
        fmt::print("{} {} valid\n", fmt::join(checked_, ", "), checked_.size() == 1 ? "is" : "are");
    }
    return errors_ == 0 ? kOk : kBadConfig;
  }

 private:
  void add(const std::string& file, int line, int column, bool error, const std::string& message,
           const std::string& suggestion, const std::string& text) {
    errors_ += error ? 1 : 0;
    boost::json::object found{{"file", file},
                              {"line", line},
                              {"column", column},
                              {"severity", error ? "error" : "info"},
                              {"message", message}};
    if (!suggestion.empty()) found["suggestion"] = suggestion;
    json_.push_back(std::move(found));
    lines_.push_back(text);
  }

  int errors_ = 0;
  boost::json::array json_;
  std::vector<std::string> lines_;
  std::vector<std::string> checked_;
};

void check_pipeline(const std::string& file, Findings& findings) {
  findings.checked(file);
  const auto parsed = stream::read_pipeline(file, stream::process_environment());
  for (const stream::Problem& problem : parsed.problems) findings.add(problem);
}

void check_config(const std::string& file, Findings& findings) {
  findings.checked(file);
  Problems problems;
  const Config config = Config::read(file, problems);
  for (const Problem& problem : problems) findings.add(problem);
  for (const auto& pipeline : config.pipelines) check_pipeline(pipeline.string(), findings);
}

// A pipeline has keys at its root that a configuration has not.
bool looks_like_pipeline(const std::string& file) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    for (const std::string_view key : {"pipeline:", "source:", "sinks:", "decode:"}) {
      if (line.starts_with(key)) return true;
    }
  }
  return false;
}

int validate(const Options& options) {
  constexpr const char* kDefault = "penstock.yaml";
  Findings findings;
  if (!options.config.empty()) check_config(options.config, findings);
  for (const std::string& file : options.files) {
    if (looks_like_pipeline(file)) {
      check_pipeline(file, findings);
    } else {
      check_config(file, findings);
    }
  }
  if (options.config.empty() && options.files.empty()) {
    if (std::filesystem::exists(kDefault)) {
      check_config(kDefault, findings);
    } else {
      const Config config = Config::built_in();
      if (config.pipelines.empty()) {
        return usage_error("there is no penstock.yaml and no pipelines/*.yaml here; name the file");
      }
      for (const auto& pipeline : config.pipelines) check_pipeline(pipeline.string(), findings);
    }
  }
  return findings.report(options.json);
}

}  // namespace

Run add_validate(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("-c,--config", options->config,
                 "Configuration file; its pipelines are checked too")
      ->type_name("FILE");
  app.add_option("files", options->files, "Pipelines or configurations")->type_name("FILE");
  app.add_flag("--json", options->json, "As one JSON object");
  return [options] { return validate(*options); };
}

}  // namespace penstock::main_room
