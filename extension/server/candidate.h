// Sessions in the shape that policies judge.
#pragma once

#include "server/name_cache.h"
#include "server/session_report.h"

#include "core/policy_match.h"

namespace leash {

// Whom a socket's other end belongs to; family 0 for a Unix socket.
Address address_of(const SockAddr& client);

// Same role, database, application and address make one group.
uint64_t group_of(Oid role, Oid database, const char* application, const Address& address);

// Points into the report and the cache.
Candidate make_candidate(const SessionReport& report, NameCache& names);

}  // namespace leash
