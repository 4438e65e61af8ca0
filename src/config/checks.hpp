#pragma once
#include "config/loader.hpp"

namespace portcullis::config {

/// The rules that look at more than one setting: secrets, production, sites, warnings of the
/// checklist. Adds to errors, warnings and notes; resolves `upstream.kind: auto`.
void check(Loaded& loaded);

/// Makes the secrets that are missing, once, in DATA_DIR/secrets (0600), or reads those made
/// before. Only the development profile; called when the server starts.
void ensure_development_secrets(Loaded& loaded);

/// Why a secret must not be used; empty where it may.
std::string weakness_of_secret(const std::string& secret);

}  // namespace portcullis::config
