#include "serve/listen_address.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include "failure.h"

namespace leash::tool {
namespace {

constexpr int kBacklog = 128;
constexpr int kLargestPort = 65535;

struct FreeAddresses {
    void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

bool is_port(const std::string& text) {
    return !text.empty() && text.size() <= 5 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
           std::stoi(text) <= kLargestPort;
}

std::string shown(const ListenAddress& address) {
    return address.host.find(':') == std::string::npos
               ? fmt::format("{}:{}", address.host, address.port)
               : fmt::format("[{}]:{}", address.host, address.port);
}

[[noreturn]] void cannot_listen(const ListenAddress& address, const std::string& why) {
    throw Failure(fmt::format("cannot listen at {}: {}", shown(address), why));
}

std::string explain(int error, const ListenAddress& address) {
    std::string reason = std::strerror(error);
    switch (error) {
        case EADDRINUSE:
            return fmt::format(
                "{}; another program (\"ss -ltnp sport = :{}\" shows it) has this port, maybe a "
                "second pgleash serve: choose another one with --listen",
                reason, address.port);
        case EACCES:
        case EPERM:
            return fmt::format("{}; ports below 1024 are root's: choose a higher one with --listen",
                               reason);
        case EADDRNOTAVAIL:
            return fmt::format(
                "{}; this machine has no such address: \"ip address\" shows those that it has, "
                "and 0.0.0.0 or [::] stands for all of them",
                reason);
        default:
            return reason;
    }
}

Addresses addresses_of(const ListenAddress& address) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    const int status = getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &list);
    if (status != 0) {
        cannot_listen(address, fmt::format("{}; write an address of this machine with --listen, "
                                           "such as {}",
                                           gai_strerror(status), kDefaultListenAddress));
    }
    return Addresses(list);
}

// An invalid descriptor, and errno, when it cannot be.
Descriptor try_to_listen(const addrinfo& at) {
    Descriptor listener(socket(at.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int yes = 1;
    // Those who have just left must not keep the port from the next process; two that
    // listen at once are an error.
    if (listener.get() < 0 ||
        setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(listener.get(), at.ai_addr, at.ai_addrlen) != 0 ||
        listen(listener.get(), kBacklog) != 0) {
        const int error = errno;
        listener.close();
        errno = error;
    }
    return listener;
}

}  // namespace

ListenAddress parse_listen_address(const std::string& origin, const std::string& text) {
    const std::size_t colon = text.rfind(':');
    ListenAddress address;
    if (colon != std::string::npos) {
        address.host = text.substr(0, colon);
        address.port = text.substr(colon + 1);
    }
    const bool bracketed = address.host.starts_with('[') && address.host.ends_with(']');
    if (bracketed) {
        address.host = address.host.substr(1, address.host.size() - 2);
    }
    const bool has_colons = address.host.find(':') != std::string::npos;
    if (address.host.empty() || has_colons != bracketed || !is_port(address.port)) {
        throw Failure(
            fmt::format("invalid address \"{}\" for {}; write ADDRESS:PORT, such as {} or "
                        "[::1]:19187",
                        text, origin, kDefaultListenAddress),
            kExitUsage);
    }
    return address;
}

Descriptor listen_at(const ListenAddress& address) {
    const Addresses addresses = addresses_of(address);
    int error = 0;
    for (const addrinfo* at = addresses.get(); at != nullptr; at = at->ai_next) {
        if (Descriptor listener = try_to_listen(*at); listener.get() >= 0) {
            return listener;
        }
        error = error == 0 ? errno : error;
    }
    cannot_listen(address, explain(error, address));
}

std::string address_of(const Descriptor& listener) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];
    if (getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
        getnameinfo(reinterpret_cast<sockaddr*>(&address), size, host, sizeof host, port,
                    sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return "?";
    }
    return shown({host, port});
}

}  // namespace leash::tool
