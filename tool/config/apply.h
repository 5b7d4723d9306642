// Settings stand in for options that were not given.
#pragma once

#include "cli/options.h"
#include "config/settings.h"

namespace leash::tool {

/// Fills in what the command line does not say.
void apply_settings(const Settings& settings, Options& options);

/// Reads the settings, warns of variables that are none, and applies them.
void apply_settings(Options& options);

/// Whether the setting dsn says where to connect, or the command line or, in the case of a
/// file's, a PG* variable does.
bool uses_dsn(const SettingValue& dsn, const ConnectionOptions& connection);

}  // namespace leash::tool
