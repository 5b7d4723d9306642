#include "verdict.h"

#include <algorithm>
#include <cstdio>

#include "duration.h"

namespace leash {
namespace {

bool exceeds(uint64_t age, uint64_t threshold) {
    return threshold != 0 && age >= threshold;
}

Weight weigh(const SessionFacts& facts) {
    if (facts.blocked_sessions > 0) {
        return Weight::blocks_others;
    }
    if (facts.holds_xmin) {
        return Weight::holds_back_xmin;
    }
    return facts.holds_locks ? Weight::holds_locks : Weight::holds_a_slot;
}

// In the middle of a command that only its client can bring on.
bool stalls(const SessionFacts& facts) {
    switch (facts.state) {
        case State::active:
        case State::fastpath:
            return facts.client_wait != ClientWait::none;
        case State::idle:
        case State::idle_in_transaction:
        case State::idle_in_transaction_aborted:
            return facts.client_wait == ClientWait::write;
        case State::unknown:
            break;
    }
    return false;
}

struct Finding {
    Leak leak;
    uint64_t age;
    uint64_t threshold;
};

// Beyond what its application practically never exceeds, it was given up.
Finding judge_idle(const SessionFacts& facts, const Thresholds& limits) {
    const bool given_up = facts.learned_idle != 0 && facts.idle_for >= facts.learned_idle;
    return {given_up ? Leak::abandoned : Leak::unused, facts.idle_for,
            given_up ? std::max(facts.learned_idle, limits.idle) : limits.idle};
}

Finding find(const SessionFacts& facts, const Thresholds& limits) {
    if (is_gone(facts.peer) && facts.state != State::unknown && facts.state_for >= kPeerGoneFloor) {
        return {Leak::peer_gone, facts.state_for, 0};
    }
    if (stalls(facts)) {
        if (exceeds(facts.stalled_for, limits.stalled_client)) {
            return {Leak::stalled_client, facts.stalled_for, limits.stalled_client};
        }
        return {Leak::none, 0, 0};
    }
    switch (facts.state) {
        case State::idle_in_transaction:
        case State::idle_in_transaction_aborted:
            if (exceeds(facts.idle_for, limits.idle_in_transaction)) {
                const bool aborted = facts.state == State::idle_in_transaction_aborted;
                return {aborted ? Leak::aborted_transaction : Leak::idle_in_transaction,
                        facts.idle_for, limits.idle_in_transaction};
            }
            break;
        case State::idle:
            if (facts.uses == 0 && exceeds(facts.connected_for, limits.never_used)) {
                return {facts.statements == 0 ? Leak::never_used : Leak::ping_only,
                        facts.connected_for, limits.never_used};
            }
            if (exceeds(facts.idle_for, limits.idle)) {
                return judge_idle(facts, limits);
            }
            break;
        default:
            break;
    }
    return {Leak::none, 0, 0};
}

Exempt find_exemption(const SessionFacts& facts) {
    if (facts.lease) {
        return Exempt::lease;
    }
    if (facts.backup) {
        return Exempt::backup;
    }
    if (facts.listens) {
        return Exempt::listens;
    }
    return facts.advisory_lock ? Exempt::advisory_lock : Exempt::none;
}

}  // namespace

Verdict judge(const SessionFacts& facts, const Thresholds& thresholds) {
    const Exempt exempt = find_exemption(facts);
    const Finding finding = find(facts, thresholds);
    if (exempt != Exempt::none) {
        return {Leak::none, finding.leak, exempt, weigh(facts), 0, 0};
    }
    return {finding.leak, finding.leak, exempt, weigh(facts), finding.age, finding.threshold};
}

void mark_surplus(Member* members, size_t count) {
    Member* const end = members + count;
    const auto same_application = [](const Member& a, const Member& b) {
        return a.role == b.role && a.database == b.database && a.application == b.application;
    };
    std::sort(members, end, [&](const Member& a, const Member& b) {
        if (!same_application(a, b)) {
            if (a.role != b.role) {
                return a.role < b.role;
            }
            if (a.database != b.database) {
                return a.database < b.database;
            }
            return a.application < b.application;
        }
        return a.idle_for > b.idle_for;
    });
    for (Member* first = members; first != end;) {
        Member* const last = std::find_if_not(
            first, end, [&](const Member& other) { return same_application(*first, other); });
        const auto used = std::count_if(first, last, [](const Member& m) { return m.in_use; });
        const auto allowed = std::max<ptrdiff_t>(kPoolAllowance, 2 * used);
        ptrdiff_t surplus = (last - first) - allowed;
        for (Member* member = first; member != last && surplus > 0; member++) {
            Verdict& verdict = *member->verdict;
            if (member->learned) {
                continue;
            }
            if (verdict.apparent == Leak::unused) {
                verdict.apparent = Leak::abandoned;
            }
            if (verdict.leak == Leak::unused) {
                verdict.leak = Leak::abandoned;
                surplus--;
            }
        }
        first = last;
    }
}

size_t describe(const Verdict& verdict, const SessionFacts& facts, char* buffer, size_t size) {
    char age[kDurationTextSize];
    char limit[kDurationTextSize];
    format_duration(static_cast<int64_t>(verdict.leaked_for / 1000), age, sizeof age);
    format_duration(static_cast<int64_t>(verdict.threshold / 1000), limit, sizeof limit);
    int length = 0;
    switch (verdict.leak) {
        case Leak::peer_gone:
            length =
                snprintf(buffer, size, "its client %s, in this state for %s",
                         facts.peer == Peer::retransmitting ? "does not acknowledge what was sent"
                                                            : "has closed the connection",
                         age);
            break;
        case Leak::idle_in_transaction:
            length = snprintf(buffer, size,
                              "its transaction is open and nothing was sent for %s (limit %s)", age,
                              limit);
            break;
        case Leak::aborted_transaction:
            length = snprintf(buffer, size,
                              "its transaction failed and was not rolled back for %s (limit %s)",
                              age, limit);
            break;
        case Leak::stalled_client:
            length =
                snprintf(buffer, size,
                         "a command waits for its client to %s, and nothing moved for %s "
                         "(limit %s)",
                         facts.client_wait == ClientWait::write ? "read the result" : "send more",
                         age, limit);
            break;
        case Leak::abandoned:
            length = snprintf(buffer, size,
                              facts.learned_idle != 0
                                  ? "idle for %s, longer than its application ever leaves a "
                                    "session idle (limit %s)"
                                  : "idle for %s (limit %s), and its application holds more "
                                    "sessions than it uses",
                              age, limit);
            break;
        case Leak::never_used:
            length = snprintf(buffer, size, "connected for %s (limit %s) and sent no statement",
                              age, limit);
            break;
        case Leak::ping_only:
            length = snprintf(buffer, size,
                              "connected for %s (limit %s) and sent nothing but pings", age, limit);
            break;
        case Leak::unused:
            length = snprintf(buffer, size, "idle for %s (limit %s), within what a pool may keep",
                              age, limit);
            break;
        case Leak::none:
            buffer[0] = '\0';
            return 0;
    }
    if (facts.blocked_sessions > 0 && length > 0 && static_cast<size_t>(length) < size) {
        length +=
            snprintf(buffer + length, size - static_cast<size_t>(length), "; blocks %u session%s",
                     facts.blocked_sessions, facts.blocked_sessions == 1 ? "" : "s");
    }
    return length < 0 ? 0 : std::min(static_cast<size_t>(length), size - 1);
}

}  // namespace leash
