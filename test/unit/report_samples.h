// Evidence for the tests of reports, made up but shaped like a real server's.
#pragma once

#include <string>

#include "evidence/evidence.h"

namespace leash::tool {

/// A shop in trouble for a week: a service that leaks since a deployment on Friday until a
/// policy ends its sessions on Monday, a full server on Sunday, half an hour of downtime.
Evidence shop_in_trouble();

/// The same shop a week later, mended.
Evidence shop_mended();

/// A server that was just started: nothing happened yet.
Evidence empty_server();

/// Names and statements that try to break out of whatever they are put into.
Evidence hostile_server();

/// Every text of hostile_server(), for a marker in it.
inline constexpr const char* kHostileMarker = "hostile-marker";

/// By name: "trouble", "mended", "empty", "minute", "gaps", "clock", "hostile".
/// Throws Failure for any other.
Evidence sample_named(const std::string& name);

}  // namespace leash::tool
