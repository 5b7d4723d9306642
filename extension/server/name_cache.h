// Names and rights of roles and databases.  Of shared catalogs only, so that a worker
// without a database can look them up.
#pragma once

#include "server/compat.h"

extern "C" {
#include "utils/hsearch.h"
}

namespace leash {

class NameCache {
public:
    struct Entry {
        Oid oid;
        bool known;
        bool superuser;
        char name[NAMEDATALEN];  // empty: it is gone
    };

    // Lives in the memory context that is current, and serves this transaction: each name
    // is looked up once, and waited for while somebody has locked its catalog.
    static NameCache make();

    // The worker's own, for its next round.  Keeps what it knows until a catalog changes,
    // and waits for nobody: what it cannot look up is not known.
    static NameCache& of_worker();

    const Entry& role(Oid role);
    const Entry& database(Oid database);

    // A catalog that was locked; InvalidOid: none was.
    Oid locked_catalog() const { return locked_catalog_; }

private:
    void make_tables(MemoryContext context);
    template <class LookUp>
    const Entry& find(HTAB* table, Oid oid, Oid catalog, LookUp look_up);

    HTAB* roles_;
    HTAB* databases_;
    bool waits_;
    Oid locked_catalog_;
};

}  // namespace leash
