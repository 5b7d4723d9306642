// What the kernel knows of the other end of a session's socket.
#pragma once

#include <cstdint>

namespace leash {

enum class Peer : uint8_t {
    unknown,         // not asked, not TCP, or no way to ask
    alive,           // established, nothing unacknowledged for long; it may be silent
    closed,          // it has closed its side, or the connection was reset
    retransmitting,  // what was sent to it is not acknowledged
};

constexpr const char* name_of(Peer peer) {
    switch (peer) {
        case Peer::alive:
            return "alive";
        case Peer::closed:
            return "closed";
        case Peer::retransmitting:
            return "retransmitting";
        case Peer::unknown:
            break;
    }
    return "";
}

constexpr bool is_gone(Peer peer) {
    return peer == Peer::closed || peer == Peer::retransmitting;
}

// What sock_diag reports, in the numbers of <netinet/tcp.h> and struct tcp_info.
struct SocketFacts {
    uint8_t state;        // TCP_ESTABLISHED ...
    uint8_t retransmits;  // of the segment at the head, in a row
    uint8_t probes;       // keepalive probes unanswered, in a row
    uint32_t unacked;     // segments
    uint64_t acked = 0;   // bytes, since it was connected; 0: not told
};

Peer classify_peer(const SocketFacts& facts);

}  // namespace leash
