#include "server/candidate.h"

#include <netinet/in.h>

#include "core/pooler_name.h"

extern "C" {
#include "common/hashfn.h"
}

namespace leash {
namespace {

// What the worker saw of the other end, when it was this session's.
Peer peer_of(const SessionReport& report) {
    const Observation& seen = *observation(report.number);
    const uint32_t before = seen.changes.begin_read();
    const Peer peer = seen.peer;
    const bool same = seen.session == report.identity.id;
    return seen.changes.consistent(before) && same ? peer : Peer::unknown;
}

// By fact, and whatever a policy includes.
bool is_untouchable(const SessionReport& report) {
    return is_absolute(report.verdict.exempt) || report.backend.in_sync_rep ||
           report.identity.id.pid == MyProcPid;
}

}  // namespace

Address address_of(const SockAddr& client) {
    Address address{};
    if (client.addr.ss_family == AF_INET) {
        const auto* in = reinterpret_cast<const sockaddr_in*>(&client.addr);
        address.family = 4;
        memcpy(address.bytes, &in->sin_addr, 4);
    } else if (client.addr.ss_family == AF_INET6) {
        const auto* in6 = reinterpret_cast<const sockaddr_in6*>(&client.addr);
        if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
            address.family = 4;
            memcpy(address.bytes, in6->sin6_addr.s6_addr + 12, 4);
        } else {
            address.family = 6;
            memcpy(address.bytes, &in6->sin6_addr, 16);
        }
    }
    return address;
}

uint64_t group_of(Oid role, Oid database, const char* application, const Address& address) {
    const auto hash = [](const void* bytes, size_t size) {
        return hash_bytes_extended(static_cast<const unsigned char*>(bytes), static_cast<int>(size),
                                   0);
    };
    uint64 group = hash(application, length_without_host(application));
    group = hash_combine64(group, hash(&address, sizeof address));
    group = hash_combine64(group, hash(&role, sizeof role));
    group = hash_combine64(group, hash(&database, sizeof database));
    return group != 0 ? group : 1;  // 0 stands for no group
}

Candidate make_candidate(const SessionReport& report, NameCache& names) {
    const SessionIdentity& identity = report.identity;
    const SessionFacts& facts = report.facts;
    const NameCache::Entry& role = names.role(identity.role);
    const NameCache::Entry& database = names.database(identity.database);
    Candidate candidate{};
    candidate.role = role.name;
    candidate.database = database.name;
    candidate.application = report.application;
    candidate.address = address_of(identity.client);
    candidate.group =
        group_of(identity.role, identity.database, report.application, candidate.address);
    candidate.state = facts.state;
    candidate.client_wait = facts.client_wait;
    candidate.kind = report.verdict.apparent;
    candidate.idle_for = facts.idle_for;
    candidate.learned_idle = facts.habits.idle;
    candidate.unused_for = facts.unused_for;
    candidate.xact_for = report.xact_for;
    candidate.statement_for = report.statement_for;
    candidate.blocks_others = facts.blocked_sessions > 0;
    candidate.holds_xmin = facts.holds_xmin;
    candidate.peer = peer_of(report);
    candidate.superuser = role.superuser;
    candidate.listens = facts.listens;
    candidate.advisory_lock = facts.advisory_lock;
    candidate.untouchable = is_untouchable(report) || !role.known || !database.known;
    candidate.opened_ago = facts.connected_for;
    return candidate;
}

}  // namespace leash
