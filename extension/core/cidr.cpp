#include "cidr.h"

#include <arpa/inet.h>

#include <cstring>

namespace leash {
namespace {

constexpr uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr uint8_t kMappedBits = 8 * sizeof kMappedPrefix;

bool is_mapped(const uint8_t* bytes) {
    return memcmp(bytes, kMappedPrefix, sizeof kMappedPrefix) == 0;
}

bool same_bits(const uint8_t* a, const uint8_t* b, unsigned bits) {
    const unsigned whole = bits / 8;
    const unsigned rest = bits % 8;
    return memcmp(a, b, whole) == 0 && (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

bool has_host_bits(const Network& network) {
    const unsigned size = network.family == 4 ? 4 : 16;
    for (unsigned bit = network.prefix; bit < 8 * size; bit++) {
        if ((network.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0) {
            return true;
        }
    }
    return false;
}

// One to three digits without a leading zero.
bool parse_prefix(const char* text, unsigned& prefix) {
    prefix = 0;
    const size_t length = strlen(text);
    if (length == 0 || length > 3 || (length > 1 && text[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        prefix = prefix * 10 + static_cast<unsigned>(text[i] - '0');
    }
    return true;
}

}  // namespace

NetworkProblem parse_network(const char* text, Network& network) {
    Network read{};
    if (strcmp(text, "local") == 0) {
        network = read;
        return NetworkProblem::none;
    }
    const char* const slash = strchr(text, '/');
    const size_t length = slash != nullptr ? static_cast<size_t>(slash - text) : strlen(text);
    char address[INET6_ADDRSTRLEN];
    if (length >= sizeof address) {
        return NetworkProblem::malformed;
    }
    memcpy(address, text, length);
    address[length] = '\0';
    if (inet_pton(AF_INET, address, read.bytes) == 1) {
        read.family = 4;
    } else if (inet_pton(AF_INET6, address, read.bytes) == 1) {
        read.family = 6;
    } else {
        return NetworkProblem::malformed;
    }
    const unsigned bits = read.family == 4 ? 32 : 128;
    unsigned prefix = bits;
    if (slash != nullptr && !parse_prefix(slash + 1, prefix)) {
        return NetworkProblem::malformed;
    }
    if (prefix > bits) {
        return NetworkProblem::prefix_too_long;
    }
    read.prefix = static_cast<uint8_t>(prefix);
    if (has_host_bits(read)) {
        return NetworkProblem::host_bits_set;
    }
    // Its last bits are set, and no bit right of the mask: the mask covers all of it.
    if (read.family == 6 && is_mapped(read.bytes)) {
        Network mapped{4, static_cast<uint8_t>(prefix - kMappedBits), {}};
        memcpy(mapped.bytes, read.bytes + sizeof kMappedPrefix, 4);
        read = mapped;
    }
    network = read;
    return NetworkProblem::none;
}

const char* describe(NetworkProblem problem) {
    switch (problem) {
        case NetworkProblem::none:
            return "it is fine";
        case NetworkProblem::malformed:
            break;
        case NetworkProblem::prefix_too_long:
            return "its mask has more bits than an address";
        case NetworkProblem::host_bits_set:
            return "it has bits set right of its mask";
    }
    return "it is no address, network or \"local\"";
}

bool contains(const Network& network, const Address& address) {
    const bool mapped = address.family == 6 && is_mapped(address.bytes);
    const uint8_t family = mapped ? 4 : address.family;
    const uint8_t* const bytes = mapped ? address.bytes + sizeof kMappedPrefix : address.bytes;
    return network.family == family && same_bits(network.bytes, bytes, network.prefix);
}

}  // namespace leash
