#include "policy_match.h"

#include <algorithm>
#include <cstring>

#include "glob.h"
#include "pooler_name.h"

namespace leash {
namespace {

static_assert(kMaxGlobLength == kNameSize - 1);

bool is_named(const NameList& names, const char* name) {
    for (int i = 0; i < names.count; i++) {
        if (strcmp(names.items[i], name) == 0) {
            return true;
        }
    }
    return names.count == 0;
}

bool is_globbed(const NameList& globs, const char* name) {
    for (int i = 0; i < globs.count; i++) {
        if (glob_matches(globs.items[i], name)) {
            return true;
        }
    }
    return globs.count == 0;
}

// As it is, or without what a pooler appended.
bool is_application(const NameList& globs, const char* name) {
    char plain[kNameSize] = {};
    memcpy(plain, name, std::min(length_without_host(name), sizeof plain - 1));
    return is_globbed(globs, name) || is_globbed(globs, plain);
}

bool is_within(const NetworkList& networks, const Address& address) {
    for (int i = 0; i < networks.count; i++) {
        if (contains(networks.items[i], address)) {
            return true;
        }
    }
    return networks.count == 0;
}

template <class Bit>
bool has_bit(uint32_t bits, Bit bit) {
    return (bits >> static_cast<unsigned>(bit) & 1) != 0;
}

Mismatch match_names(const Policy& policy, const Candidate& candidate) {
    if (!is_named(policy.roles, candidate.role)) {
        return Mismatch::role;
    }
    if (!is_named(policy.databases, candidate.database)) {
        return Mismatch::database;
    }
    if (!is_application(policy.applications, candidate.application)) {
        return Mismatch::application;
    }
    return is_within(policy.addresses, candidate.address) ? Mismatch::none : Mismatch::address;
}

bool fits_kind(const Policy& policy, const Candidate& candidate) {
    return policy.kinds == 0 ||
           (candidate.kind != Leak::none && has_bit(policy.kinds, candidate.kind));
}

// Work is not ended by a policy that was written with idle sessions in mind; work whose
// client is gone for good is, by one that asks for that.
bool fits_state(const Policy& policy, const Candidate& candidate) {
    switch (candidate.state) {
        case State::unknown:
            return false;
        case State::active:
        case State::fastpath:
            if (policy.states == 0 && policy.kinds == 0 && policy.statement_for == 0 &&
                policy.action != Action::spare &&
                !(policy.peer_gone && candidate.kind == Leak::peer_gone)) {
                return false;
            }
            break;
        case State::idle:
        case State::idle_in_transaction:
        case State::idle_in_transaction_aborted:
            break;
    }
    return policy.states == 0 || has_bit(policy.states, candidate.state);
}

bool is_old_enough(uint64_t limit, uint64_t age) {
    return limit == 0 || age >= limit;
}

bool fits_age(const Policy& policy, const Candidate& candidate) {
    // Nobody is ended by a habit that is not known.
    const bool beyond_habit =
        candidate.learned_idle != 0 && candidate.idle_for >= candidate.learned_idle;
    return (!policy.learned || beyond_habit) &&
           is_old_enough(policy.idle_for, candidate.idle_for) &&
           is_old_enough(policy.unused_for, candidate.unused_for) &&
           is_old_enough(policy.xact_for, candidate.xact_for) &&
           is_old_enough(policy.statement_for, candidate.statement_for);
}

bool fits_circumstance(const Policy& policy, const Candidate& candidate) {
    return (!policy.blocks_others || candidate.blocks_others) &&
           (!policy.holds_xmin || candidate.holds_xmin) &&
           (!policy.peer_gone || is_gone(candidate.peer));
}

bool is_in_reach(const Policy& policy, const Candidate& candidate) {
    return policy.action == Action::spare ||
           ((!candidate.superuser || policy.include_superusers) &&
            (!candidate.listens || policy.include_listeners) &&
            (!candidate.advisory_lock || policy.include_lock_holders));
}

Mismatch match_moment(const Policy& policy, const Candidate& candidate) {
    if (!fits_kind(policy, candidate)) {
        return Mismatch::kind;
    }
    if (!fits_state(policy, candidate)) {
        return Mismatch::state;
    }
    if (!fits_age(policy, candidate)) {
        return Mismatch::age;
    }
    return fits_circumstance(policy, candidate) ? Mismatch::none : Mismatch::circumstance;
}

}  // namespace

Mismatch match_identity(const Policy& policy, const Candidate& candidate) {
    const Mismatch names = match_names(policy, candidate);
    if (names == Mismatch::none && !is_in_reach(policy, candidate)) {
        return Mismatch::reach;
    }
    return names;
}

Mismatch match(const Policy& policy, const Candidate& candidate) {
    if (const Mismatch names = match_names(policy, candidate); names != Mismatch::none) {
        return names;
    }
    if (const Mismatch moment = match_moment(policy, candidate); moment != Mismatch::none) {
        return moment;
    }
    if (!is_in_reach(policy, candidate)) {
        return Mismatch::reach;
    }
    return candidate.untouchable ? Mismatch::untouchable : Mismatch::none;
}

bool matches_names(const Policy& policy, const Candidate& candidate) {
    return match_names(policy, candidate) == Mismatch::none;
}

bool matches_moment(const Policy& policy, const Candidate& candidate) {
    return !candidate.untouchable && match_moment(policy, candidate) == Mismatch::none &&
           is_in_reach(policy, candidate);
}

bool matches(const Policy& policy, const Candidate& candidate) {
    return matches_moment(policy, candidate) && matches_names(policy, candidate);
}

}  // namespace leash
