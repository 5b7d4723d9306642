#include "server/policy_table.h"

#include "server/policy_row.h"

#include <algorithm>

extern "C" {
#include "access/genam.h"
#include "access/relation.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
}

namespace leash {
namespace {

[[noreturn]] void distrust(const char* detail) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("table leash.policies is not to be trusted: %s", detail)));
}

// Looks the table up and locks it.
Relation open_table() {
    const Oid schema = get_namespace_oid("leash", true);
    const Oid table = OidIsValid(schema) ? get_relname_relid("policies", schema) : InvalidOid;
    if (!OidIsValid(table)) {
        ereport(ERROR,
                (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("table leash.policies does not exist"),
                 errhint("Rename it back, or drop extension pg_leash and create it again.")));
    }
    const Relation relation = try_relation_open(table, AccessShareLock);
    if (relation == nullptr) {
        ereport(ERROR,
                (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("table leash.policies does not exist")));
    }
    return relation;
}

bool fires(const Trigger& trigger) {
    return trigger.tgenabled == TRIGGER_FIRES_ALWAYS ||
           trigger.tgenabled == TRIGGER_FIRES_ON_ORIGIN;
}

// Only the extension's own triggers may have had a say in what is written.
void check_triggers(Relation relation, Oid extension) {
    // A copy: while triggers are enabled or disabled, a look at a catalog exchanges the original.
    const TriggerDesc* const triggers = CopyTriggerDesc(relation->trigdesc);
    bool checked = false;
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
        const Trigger& trigger = triggers->triggers[i];
        if (trigger.tgisinternal) {
            continue;
        }
        if (getExtensionOfObject(ProcedureRelationId, trigger.tgfoid) != extension) {
            distrust(psprintf("its trigger \"%s\" is not part of pg_leash", trigger.tgname));
        }
        checked = checked || (TRIGGER_FOR_ROW(trigger.tgtype) && fires(trigger));
    }
    if (!checked) {
        distrust("the trigger that checks its rows is missing or disabled");
    }
}

// Whoever writes it acts on everyone: so it must be what CREATE EXTENSION made.
void check_trust(Relation relation, Oid extension) {
    const Form_pg_class form = relation->rd_rel;
    if (form->relkind != RELKIND_RELATION || form->relispartition) {
        distrust("it is no ordinary table");
    }
    if (getExtensionOfObject(RelationRelationId, RelationGetRelid(relation)) != extension) {
        distrust("it is not part of extension pg_leash");
    }
    if (!superuser_arg(form->relowner)) {
        distrust(
            psprintf("its owner \"%s\" is no superuser", GetUserNameFromId(form->relowner, false)));
    }
    if (form->relrowsecurity || form->relforcerowsecurity) {
        distrust("it has row security");
    }
    if (relation->rd_rules != nullptr) {
        distrust("it has rules");
    }
    check_triggers(relation, extension);
}

bool is_enabled(HeapTuple row, TupleDesc columns) {
    return PolicyRow(row, columns).read_bool("enabled");
}

// Calls `visit` for each enabled row; returns how many.
template <class Visit>
int each_enabled(Relation relation, Visit visit) {
    const Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
    const SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, snapshot, 0, nullptr);
    int count = 0;
    HeapTuple row = nullptr;
    while (HeapTupleIsValid(row = systable_getnext(scan))) {
        if (!is_enabled(row, RelationGetDescr(relation))) {
            continue;
        }
        if (count == kMaxPolicies) {
            ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                            errmsg("more than %d policies are enabled", kMaxPolicies),
                            errhint("Disable or delete some.")));
        }
        visit(row, count++);
    }
    systable_endscan(scan);
    UnregisterSnapshot(snapshot);
    return count;
}

}  // namespace

void check_policy_count(Relation table) {
    CommandCounterIncrement();
    (void)each_enabled(table, [](HeapTuple, int) {});
}

int read_policy_table(Policy* policies) {
    const Oid extension = get_extension_oid("pg_leash", false);
    const Relation relation = open_table();
    check_trust(relation, extension);
    const TupleDesc columns = RelationGetDescr(relation);
    const int count = each_enabled(relation, [policies, columns](HeapTuple row, int i) {
        policy_from_row(row, columns, policies[i]);
    });
    relation_close(relation, AccessShareLock);
    std::sort(policies, policies + count, [](const Policy& a, const Policy& b) {
        return a.priority != b.priority ? a.priority < b.priority : strcmp(a.name, b.name) < 0;
    });
    return count;
}

}  // namespace leash
