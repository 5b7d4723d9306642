#include "server/name_cache.h"

extern "C" {
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "storage/lmgr.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
}

namespace leash {
namespace {

// Nobody is ended by a policy that might not be meant for it.
constexpr NameCache::Entry kUnknown = {InvalidOid, false, true, ""};

NameCache worker_names;
bool catalogs_changed = true;

void note_change(Datum, CacheId, uint32) {
    catalogs_changed = true;
}

void watch_catalogs() {
    static bool watched = false;
    if (!watched) {
        CacheRegisterSyscacheCallback(AUTHOID, note_change, 0);
        CacheRegisterSyscacheCallback(DATABASEOID, note_change, 0);
        watched = true;
    }
}

HTAB* make_table(const char* name, MemoryContext context) {
    HASHCTL control{};
    control.keysize = sizeof(Oid);
    control.entrysize = sizeof(NameCache::Entry);
    control.hcxt = context;
    return hash_create(name, 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

void copy_name(char (&to)[NAMEDATALEN], char* name) {
    strlcpy(to, name != nullptr ? name : "", sizeof to);
    if (name != nullptr) {
        pfree(name);
    }
}

}  // namespace

void NameCache::make_tables(MemoryContext context) {
    roles_ = make_table("pg_leash roles", context);
    databases_ = make_table("pg_leash databases", context);
}

NameCache NameCache::make() {
    NameCache cache{};
    cache.waits_ = true;
    cache.make_tables(CurrentMemoryContext);
    return cache;
}

NameCache& NameCache::of_worker() {
    NameCache& cache = worker_names;
    watch_catalogs();
    AcceptInvalidationMessages();
    if (catalogs_changed) {
        if (cache.roles_ != nullptr) {
            hash_destroy(cache.roles_);
            hash_destroy(cache.databases_);
            cache.roles_ = cache.databases_ = nullptr;
        }
        cache.make_tables(TopMemoryContext);
        catalogs_changed = false;
    }
    cache.locked_catalog_ = InvalidOid;
    return cache;
}

template <class LookUp>
const NameCache::Entry& NameCache::find(HTAB* table, Oid oid, Oid catalog, LookUp look_up) {
    bool found = false;
    auto* entry = static_cast<Entry*>(hash_search(table, &oid, HASH_FIND, nullptr));
    if (entry != nullptr) {
        return *entry;
    }
    if (!waits_ && !ConditionalLockRelationOid(catalog, AccessShareLock)) {
        locked_catalog_ = catalog;
        return kUnknown;
    }
    Entry read{};
    look_up(read);
    if (!waits_) {
        UnlockRelationOid(catalog, AccessShareLock);
    }
    entry = static_cast<Entry*>(hash_search(table, &oid, HASH_ENTER, &found));
    *entry = read;
    return *entry;
}

const NameCache::Entry& NameCache::role(Oid role) {
    return find(roles_, role, AuthIdRelationId, [role](Entry& entry) {
        entry = {role, true, superuser_arg(role), ""};
        copy_name(entry.name, GetUserNameFromId(role, true));
    });
}

const NameCache::Entry& NameCache::database(Oid database) {
    return find(databases_, database, DatabaseRelationId, [database](Entry& entry) {
        entry = {database, true, false, ""};
        copy_name(entry.name, get_database_name(database));
    });
}

}  // namespace leash
