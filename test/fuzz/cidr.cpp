#include "core/cidr.h"

#include <arpa/inet.h>

#include "fuzz.h"

namespace leash::fuzz {
namespace {

std::string text_of(const Network& network) {
    if (network.family == 0) {
        return "local";
    }
    char address[INET6_ADDRSTRLEN];
    inet_ntop(network.family == 4 ? AF_INET : AF_INET6, network.bytes, address, sizeof address);
    return std::string(address) + "/" + std::to_string(network.prefix);
}

Address base_of(const Network& network) {
    Address address{network.family, {}};
    memcpy(address.bytes, network.bytes, sizeof address.bytes);
    return address;
}

}  // namespace
}  // namespace leash::fuzz

FUZZ_TARGET(cidr) {
    const std::string text = Input(data, size).text();
    Exactly copy(std::string_view(text.c_str(), text.size() + 1));
    Network network{};
    const NetworkProblem problem = parse_network(copy.data(), network);
    must(describe(problem)[0] != '\0', "a problem has a name");
    if (problem != NetworkProblem::none) {
        return;
    }
    const unsigned bits = network.family == 4 ? 32 : network.family == 6 ? 128 : 0;
    must(network.prefix <= bits, "a mask is no longer than the address");
    Network again{};
    must(parse_network(text_of(network).c_str(), again) == NetworkProblem::none &&
             memcmp(&network, &again, sizeof network) == 0,
         "a network that is written reads back the same");
    Address address = base_of(network);
    must(contains(network, address), "a network contains its own address");
    for (unsigned bit = 0; bit < bits; bit++) {
        const auto mask = static_cast<uint8_t>(0x80 >> bit % 8);
        address.bytes[bit / 8] ^= mask;
        must(contains(network, address) == (bit >= network.prefix),
             "the bits of the mask decide, and no others");
        address.bytes[bit / 8] ^= mask;
    }
}
