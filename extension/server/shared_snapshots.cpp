#include "server/shared_snapshots.h"

#include "server/session.h"
#include "server/transaction.h"

#include <unistd.h>

extern "C" {
#include "nodes/parsenodes.h"
#include "nodes/value.h"
}

namespace leash {

namespace {

constexpr int kLooks = 100;

// The one that SET TRANSACTION SNAPSHOT names, while that runs; empty: none.
char importing[kSnapshotIdSize];

void publish_import(const char* id) {
    my_slot->import_changes.begin_write();
    strlcpy(my_slot->imported, id, sizeof my_slot->imported);
    my_slot->import_changes.end_write();
}

}  // namespace

void note_export() {
    my_slot->exported_snapshot.set(true);
    commit_has_work = true;
}

void export_changes() {
    my_slot->exported_snapshot.set(XactHasExportedSnapshots());
    commit_has_work = true;
}

void note_import(const Node* statement) {
    importing[0] = '\0';
    if (!IsA(statement, VariableSetStmt)) {
        return;
    }
    const auto* set = reinterpret_cast<const VariableSetStmt*>(statement);
    if (set->kind == VAR_SET_MULTI && strcmp(set->name, "TRANSACTION SNAPSHOT") == 0) {
        A_Const* const id = linitial_node(A_Const, set->args);
        strlcpy(importing, strVal(&id->val), sizeof importing);
    }
}

void settle_import() {
    if (importing[0] != '\0') {
        publish_import(importing);
        my_slot->imported_snapshot.set(true);
        importing[0] = '\0';
        commit_has_work = true;
    }
}

void forget_snapshots() {
    my_slot->exported_snapshot.set(false);
    my_slot->imported_snapshot.set(false);
}

// PostgreSQL keeps a file for each exported snapshot, as long as its transaction lasts.
bool imports_living_snapshot(const SessionSlot& slot) {
    if (!slot.imported_snapshot.get()) {
        return false;
    }
    char path[sizeof "pg_snapshots/" + kSnapshotIdSize];
    for (int i = 0; i < kLooks; i++) {
        const uint32_t before = slot.import_changes.begin_read();
        pg_snprintf(path, sizeof path, "pg_snapshots/%.*s", static_cast<int>(kSnapshotIdSize) - 1,
                    slot.imported);
        if (slot.import_changes.consistent(before)) {
            return access(path, F_OK) == 0;
        }
    }
    return true;  // its owner has lost its processor while it imported one
}

}  // namespace leash
