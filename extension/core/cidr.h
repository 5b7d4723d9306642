// Networks in CIDR notation, and whether an address lies in one.
#pragma once

#include <cstdint>

namespace leash {

// An IPv4 or IPv6 address; family 0 stands for a Unix socket or an unknown address.
struct Address {
    uint8_t family;  // 4, 6 or 0
    uint8_t bytes[16];
};

// "10.0.0.0/8", "::1", "2001:db8::/32"; or "local": clients on a Unix socket.
struct Network {
    uint8_t family;  // 4, 6 or 0 for "local"
    uint8_t prefix;  // bits
    uint8_t bytes[16];
};

enum class NetworkProblem : uint8_t { none, malformed, prefix_too_long, host_bits_set };

NetworkProblem parse_network(const char* text, Network& network);

// One phrase that says what is wrong, for example "it has bits set right of its mask".
const char* describe(NetworkProblem problem);

// An IPv4 address mapped into IPv6 (::ffff:a.b.c.d) is that IPv4 address.
bool contains(const Network& network, const Address& address);

}  // namespace leash
