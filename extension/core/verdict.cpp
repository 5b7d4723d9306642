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
                return {Leak::unused, facts.idle_for, limits.idle};
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
    if (facts.exported_snapshot) {
        return Exempt::exported_snapshot;
    }
    if (facts.imported_snapshot) {
        return Exempt::imported_snapshot;
    }
    if (facts.listens) {
        return Exempt::listens;
    }
    return facts.advisory_lock ? Exempt::advisory_lock : Exempt::none;
}

// What a pool may be excused for: the verdict depends on its other sessions.
bool is_idle_kind(Leak leak) {
    return leak == Leak::unused || leak == Leak::never_used || leak == Leak::ping_only;
}

bool was_never_of_use(Leak leak) {
    return leak == Leak::never_used || leak == Leak::ping_only;
}

bool is_beyond_habit(const SessionFacts& facts) {
    return facts.habits.idle != 0 && facts.idle_for >= facts.habits.idle;
}

bool is_in_use(State state) {
    return state != State::idle && state != State::unknown;
}

// A statement counts when it has ended; one that takes its time is no ping.
bool is_of_use(const SessionFacts& facts) {
    constexpr uint64_t kLongerThanAPing = 1'000'000'000;
    return facts.uses > 0 ||
           (facts.state == State::active && !stalls(facts) && facts.state_for >= kLongerThanAPing);
}

bool same_login(const Member& a, const Member& b) {
    return a.role == b.role && a.database == b.database;
}

bool same_application(const Member& a, const Member& b) {
    return same_login(a, b) && a.application == b.application;
}

bool precedes(const Member& a, const Member& b) {
    if (a.role != b.role) {
        return a.role < b.role;
    }
    return a.database != b.database ? a.database < b.database : a.application < b.application;
}

uint64_t age_of(const Member& member) {
    return was_never_of_use(member.verdict->apparent) ? member.facts->connected_for
                                                      : member.facts->idle_for;
}

// The sessions of one application, taken together.
struct Pool {
    int64_t surplus;  // beyond its allowance; leaks of other kinds are left out
    bool of_use;      // it is known to use its sessions
};

// Whose use of sessions counts for an application that ends at `last`.  A pooler's
// connection has no name while no client has it: there it is that of all with this login.
const Member* end_of_users(const Member* first, const Member* last, const Member* end) {
    if (first->application != 0) {
        return last;
    }
    return std::find_if_not(last, end,
                            [&](const Member& other) { return same_login(*first, other); });
}

Pool measure(const Member* first, const Member* last, const Member* end) {
    uint32_t size = 0;
    uint32_t in_use = 0;
    uint32_t in_use_now = 0;
    Pool pool{};
    const Member* const users = end_of_users(first, last, end);
    for (const Member* member = first; member != users; member++) {
        const SessionFacts& facts = *member->facts;
        const Leak leak = member->verdict->leak;
        pool.of_use = pool.of_use || facts.habits.of_use || is_of_use(facts);
        in_use = std::max(in_use, facts.habits.in_use);
        if (!is_leaked(leak) || is_idle_kind(leak)) {
            size += member < last ? 1 : 0;
            in_use_now += is_in_use(facts.state) ? 1 : 0;
        }
    }
    const uint32_t allowed = std::max(kPoolAllowance, 2 * std::max(in_use, in_use_now));
    pool.surplus = static_cast<int64_t>(size) - allowed;
    return pool;
}

// What an idle session is, as one of those that its application holds.
Leak judge_member(const Member& member, const Pool& pool) {
    const SessionFacts& facts = *member.facts;
    const Leak leak = member.verdict->apparent;
    if (was_never_of_use(leak)) {
        return pool.of_use && pool.surplus <= 0 ? Leak::unused : leak;
    }
    const bool is_habit = facts.habits.idle != 0 && !is_beyond_habit(facts);
    return pool.surplus > 0 && !is_habit ? Leak::abandoned : Leak::unused;
}

// Oldest first.
void judge_pool(Member* first, Member* last, const Member* end) {
    Pool pool = measure(first, last, end);
    for (Member* member = first; member != last; member++) {
        Verdict& verdict = *member->verdict;
        if (!is_idle_kind(verdict.apparent)) {
            continue;
        }
        verdict.apparent = judge_member(*member, pool);
        if (verdict.leak == Leak::none) {
            continue;  // exempt
        }
        verdict.leak = verdict.apparent;
        if (verdict.leak == Leak::abandoned) {
            verdict.threshold = std::max(verdict.threshold, member->facts->habits.idle);
        }
        pool.surplus -= is_leaked(verdict.leak) ? 1 : 0;
    }
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

void judge_pools(Member* members, size_t count) {
    Member* const end = members + count;
    for (Member* member = members; member != end; member++) {
        member->age = age_of(*member);
    }
    std::sort(members, end, [](const Member& a, const Member& b) {
        return same_application(a, b) ? a.age > b.age : precedes(a, b);
    });
    for (Member* first = members; first != end;) {
        Member* const last = std::find_if_not(
            first, end, [&](const Member& other) { return same_application(*first, other); });
        judge_pool(first, last, end);
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
                              is_beyond_habit(facts)
                                  ? "idle for %s, longer than its application ever leaves a "
                                    "session idle (limit %s), and that holds more sessions than "
                                    "it uses"
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
            length = snprintf(buffer, size,
                              facts.uses == 0 ? "not used for %s (limit %s), within what a pool "
                                                "may keep"
                              : is_beyond_habit(facts)
                                  ? "idle for %s (limit %s), longer than its application ever "
                                    "leaves a session idle, within what a pool may keep"
                                  : "idle for %s (limit %s), within what a pool may keep",
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
