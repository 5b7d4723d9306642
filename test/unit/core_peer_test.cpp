#include "core/peer.h"

#include <gtest/gtest.h>
#include <netinet/tcp.h>

namespace leash {
namespace {

Peer in_state(uint8_t state) {
    return classify_peer({state, 0, 0, 0});
}

TEST(Peer, StatesOfTheSocket) {
    EXPECT_EQ(in_state(TCP_ESTABLISHED), Peer::alive);
    for (const uint8_t state :
         {TCP_CLOSE_WAIT, TCP_LAST_ACK, TCP_CLOSING, TCP_CLOSE, TCP_TIME_WAIT}) {
        EXPECT_EQ(in_state(state), Peer::closed) << int{state};
    }
    for (const uint8_t state :
         {TCP_SYN_SENT, TCP_SYN_RECV, TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_LISTEN}) {
        EXPECT_EQ(in_state(state), Peer::unknown) << int{state};
    }
    EXPECT_EQ(in_state(0), Peer::unknown);
    EXPECT_EQ(in_state(255), Peer::unknown);
}

// One segment that is lost makes nobody gone.
TEST(Peer, Retransmissions) {
    EXPECT_EQ(classify_peer({TCP_ESTABLISHED, 2, 0, 5}), Peer::alive);
    EXPECT_EQ(classify_peer({TCP_ESTABLISHED, 3, 0, 5}), Peer::retransmitting);
    EXPECT_EQ(classify_peer({TCP_ESTABLISHED, 15, 0, 1}), Peer::retransmitting);
    EXPECT_EQ(classify_peer({TCP_ESTABLISHED, 3, 0, 0}), Peer::alive);
    EXPECT_EQ(classify_peer({TCP_ESTABLISHED, 0, 0, 100}), Peer::alive);
    EXPECT_EQ(classify_peer({TCP_CLOSE_WAIT, 3, 0, 5}), Peer::closed);
}

TEST(Peer, KeepaliveProbes) {
    EXPECT_EQ(classify_peer({TCP_ESTABLISHED, 0, 1, 0}), Peer::alive);
    EXPECT_EQ(classify_peer({TCP_ESTABLISHED, 0, 2, 0}), Peer::retransmitting);
}

TEST(Peer, GoneAndWords) {
    EXPECT_TRUE(is_gone(Peer::closed));
    EXPECT_TRUE(is_gone(Peer::retransmitting));
    EXPECT_FALSE(is_gone(Peer::alive));
    EXPECT_FALSE(is_gone(Peer::unknown));
    EXPECT_STREQ(name_of(Peer::alive), "alive");
    EXPECT_STREQ(name_of(Peer::closed), "closed");
    EXPECT_STREQ(name_of(Peer::retransmitting), "retransmitting");
    EXPECT_STREQ(name_of(Peer::unknown), "");
}

}  // namespace
}  // namespace leash
