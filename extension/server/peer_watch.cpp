#include "server/peer_watch.h"

#include "server/backend_state.h"
#include "server/clock.h"
#include "server/peer_socket.h"

extern "C" {
#include "utils/memutils.h"
}

namespace leash {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kActiveFor = 2 * kSecond;  // a shorter statement notices by itself
constexpr uint64_t kIdleFor = 10 * kSecond;

// How many are asked in a round: so many, or so much of them that nobody has to wait
// for more than three rounds.
constexpr int kMost = 200;
constexpr int kRounds = 3;

struct Suspect {
    int number;
    uint64_t asked_at;  // when it was asked last
};

Suspect* suspects = nullptr;  // room for every slot

bool is_tcp(const SockAddr& address) {
    return address.addr.ss_family == AF_INET || address.addr.ss_family == AF_INET6;
}

// Whether it is worth to ask, by what the session does and for how long.
bool is_worth_asking(const BackendState& backend, uint64_t state_for) {
    switch (backend.state) {
        case State::active:
        case State::fastpath:
            return backend.client_wait != ClientWait::none || state_for >= kActiveFor;
        case State::idle:
        case State::idle_in_transaction:
        case State::idle_in_transaction_aborted:
            return backend.client_wait == ClientWait::write || state_for >= kIdleFor;
        case State::unknown:
            break;
    }
    return false;
}

// The session in a slot, when its sockets are to be asked about.
bool read_suspect(int number, uint64_t now, SessionIdentity& who) {
    SessionSlot& slot = *session_slot(number);
    const Observation& known = *observation(number);  // this process alone writes it
    BackendState backend{};
    if ((slot.word.load() & claim::kOpen) == 0 || !read_identity(slot, who) ||
        !is_tcp(who.client) || !(known.session == who.id) ||
        !read_backend_state(number, who, backend)) {
        return false;
    }
    const bool seen = backend.state_change == known.state_change;
    return is_worth_asking(backend, seen ? now - Min(now, known.state_since) : 0);
}

int find_suspects(uint64_t now) {
    int count = 0;
    for (int i = 0; i < shared()->slots; i++) {
        SessionIdentity who;
        if (read_suspect(i, now, who)) {
            suspects[count++] = {i, observation(i)->peer_asked_at};
        }
    }
    return count;
}

int longest_ago_first(const void* a, const void* b) {
    const uint64_t left = static_cast<const Suspect*>(a)->asked_at;
    const uint64_t right = static_cast<const Suspect*>(b)->asked_at;
    return left < right ? -1 : left > right ? 1 : 0;
}

// Who is no longer the session that was found is not asked about.
void ask_about(int number, uint64_t now) {
    SessionIdentity who;
    if (!read_suspect(number, now, who)) {
        return;
    }
    const PeerAnswer answer = ask_peer(who.client, who.server);
    Observation& known = *observation(number);
    known.changes.begin_write();
    known.peer = answer.peer;
    known.peer_asked_at = now;
    // A client that reads slowly takes from the kernel what the session has sent long ago,
    // and is not stalled, though its session will have to wait for a good while.
    if (known.acked != answer.acked && known.stalled_since != 0) {
        known.stalled_since = now;
    }
    known.acked = answer.acked;
    known.changes.end_write();
}

}  // namespace

void refresh_peers() {
    if (suspects == nullptr) {
        suspects = static_cast<Suspect*>(MemoryContextAlloc(
            TopMemoryContext, sizeof(Suspect) * static_cast<Size>(shared()->slots)));
    }
    const uint64_t now = monotonic_ns();
    const int count = find_suspects(now);
    const int asked = Min(count, Max(kMost, (count + kRounds - 1) / kRounds));
    if (asked < count) {
        qsort(suspects, static_cast<size_t>(count), sizeof(Suspect), longest_ago_first);
    }
    for (int i = 0; i < asked; i++) {
        ask_about(suspects[i].number, now);
    }
}

}  // namespace leash
