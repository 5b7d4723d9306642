#include "peer.h"

namespace leash {
namespace {

// As in the kernel's enum; <netinet/tcp.h> is not everywhere.
constexpr uint8_t kEstablished = 1;
constexpr uint8_t kTimeWait = 6;
constexpr uint8_t kClose = 7;
constexpr uint8_t kCloseWait = 8;
constexpr uint8_t kLastAck = 9;
constexpr uint8_t kClosing = 11;

// One segment is lost now and then.  Three timeouts in a row take 1.4 s at the least,
// since each is twice the one before.
constexpr uint8_t kRetransmits = 3;
// One probe is on its way whenever the kernel asks; two mean that one was not answered.
constexpr uint8_t kProbes = 2;

}  // namespace

Peer classify_peer(const SocketFacts& facts) {
    switch (facts.state) {
        case kCloseWait:
        case kLastAck:
        case kClosing:
        case kTimeWait:
        case kClose:
            return Peer::closed;
        case kEstablished:
            if (facts.probes >= kProbes ||
                (facts.retransmits >= kRetransmits && facts.unacked > 0)) {
                return Peer::retransmitting;
            }
            return Peer::alive;
        default:
            // A handshake, or the server itself has closed.
            return Peer::unknown;
    }
}

}  // namespace leash
