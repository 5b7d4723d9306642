// Where pgleash serve listens.
#pragma once

#include <string>

#include "descriptor.h"

namespace leash::tool {

inline constexpr const char* kDefaultListenAddress = "127.0.0.1:19187";

struct ListenAddress {
    std::string host;  ///< without brackets
    std::string port;  ///< 0 for one that is free
};

/// "127.0.0.1:19187", "[::1]:19187" or "localhost:19187".  Throws Failure with kExitUsage;
/// origin is named in it.
ListenAddress parse_listen_address(const std::string& origin, const std::string& text);

/// Listens there.  Throws Failure: why it cannot be, and what to do.
Descriptor listen_at(const ListenAddress& address);

/// Where a socket listens, the port that it got included, as in a URL.
std::string address_of(const Descriptor& listener);

}  // namespace leash::tool
