// The values of options: checked before anything is sent to a server.  Each
// function throws Failure with kExitUsage for what it cannot accept.
#pragma once

#include <cstdint>
#include <string>

#include "cli/options.h"

namespace leash::tool {

/// "90s", "5min"; microseconds, not negative.  option is named in the error.
std::int64_t duration_value(const std::string& option, const std::string& text);

/// Seconds between two screens, say: 0.1 to 86400, with or without a unit.  option is
/// named in the error.
double seconds_value(const std::string& option, const std::string& text);

/// A whole number from 1 on.  option is named in the error.
std::int64_t count_value(const std::string& option, const std::string& text);

/// A factor from 1 to `most`: "1.25" or "25%".  option is named in the error.
double factor_value(const std::string& option, const std::string& text, double most);

/// An IPv4 or IPv6 address or network, or "local".
std::string address_value(const std::string& text);

/// A state as in pg_stat_activity; blanks may be written as hyphens, and
/// "aborted" is short for the longest.
std::string state_value(const std::string& text);

/// "column", "column:asc" or "column:desc".  Numbers, durations and instants
/// descend unless told otherwise.
Sort sort_value(Listing listing, const std::string& text);

/// What sort_value() takes before the colon.
std::vector<std::string> sortable_columns(Listing listing);

Format format_value(const std::string& text);
ColorChoice color_value(const std::string& text);

/// A session id (as %c of log_line_prefix) or a pid.
Target target_value(const std::string& text);

}  // namespace leash::tool
