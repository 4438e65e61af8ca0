#pragma once
#include "config/loader.hpp"

namespace portcullis {

/// The settings that hold where nothing is configured.
inline config::Settings default_settings() {
  config::Sources sources;
  sources.environment = [](const std::string&) { return std::nullopt; };
  return config::load(sources).settings;
}

}  // namespace portcullis
