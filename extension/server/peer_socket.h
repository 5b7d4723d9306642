// Asks the kernel about one TCP connection (Linux: netlink sock_diag).
#pragma once

#include "server/compat.h"

#include "core/peer.h"

extern "C" {
#include "libpq/pqcomm.h"
}

namespace leash {

struct PeerAnswer {
    Peer peer;
    uint64_t acked;  // bytes that it has acknowledged; 0: not told
};

// The peer of the connection between these two addresses, by exact match.
// Peer::unknown for Unix sockets, where the kernel cannot be asked, and off Linux.
// Takes no lock and waits for nothing.
PeerAnswer ask_peer(const SockAddr& client, const SockAddr& server);

}  // namespace leash
