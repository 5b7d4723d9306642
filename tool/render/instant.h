// Instants as JSON and the server write them: ISO 8601 in UTC.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace leash::tool {

/// Reads "2026-01-31T12:00:00.000000Z"; microseconds since 1970, or nullopt.
std::optional<std::int64_t> parse_instant(const std::string& text);

/// The reverse.
std::string instant_text(std::int64_t us);

}  // namespace leash::tool
