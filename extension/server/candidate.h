// Sessions in the shape that policies judge.
#pragma once

#include "server/session_report.h"

#include "core/policy_match.h"

extern "C" {
#include "utils/hsearch.h"
}

namespace leash {

// Names and rights of roles and databases, each looked up once.  Lives in the memory
// context that was current when it was made, and serves the transaction in which it
// was made.  Needs shared catalogs only, so that a worker without a database can use it.
class NameCache {
public:
    static NameCache make();

    const char* role(Oid role) { return role_entry(role).name; }
    bool is_superuser(Oid role) { return role_entry(role).superuser; }
    const char* database(Oid database);

private:
    struct Entry {
        Oid oid;
        bool superuser;
        char name[NAMEDATALEN];  // empty: it is gone
    };

    const Entry& role_entry(Oid role);

    HTAB* roles_;
    HTAB* databases_;
};

// Whom a socket's other end belongs to; family 0 for a Unix socket.
Address address_of(const SockAddr& client);

// Same role, database, application and address make one group.
uint64_t group_of(Oid role, Oid database, const char* application, const Address& address);

// Points into the report and the cache.
Candidate make_candidate(const SessionReport& report, NameCache& names);

}  // namespace leash
