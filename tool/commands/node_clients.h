// The one kind of client that does not survive the end of a session.
#pragma once

#include <cstddef>
#include <string>

namespace leash::tool {

/// Whether the application's name says node, or says nothing as node-postgres does by
/// itself.
bool may_be_node(const std::string& application);

/// Says what becomes of so many of them, if there are any.
void warn_of_node_clients(std::size_t count);

}  // namespace leash::tool
