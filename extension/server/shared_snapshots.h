// Snapshots that this session's transaction shares with others: those that it has
// exported, and the one that it has imported.  Who ends either breaks the work of all of
// them: pg_dump -j, say.
#pragma once

#include "server/shared_state.h"

extern "C" {
#include "utils/snapmgr.h"
}

namespace leash {

// pg_export_snapshot() is about to be called.
void note_export();

// The truth about exports is not what was last noted.
void export_changes();

// A command has ended.  In a transaction that has failed nothing is looked at: its
// exports are of no use any more, though PostgreSQL keeps them until ROLLBACK.
inline void settle_export(const SessionSlot* slot) {
    if (unlikely(XactHasExportedSnapshots() != slot->exported_snapshot.get()) &&
        IsTransactionState()) {
        export_changes();
    }
}

// A utility statement is about to run: SET TRANSACTION SNAPSHOT counts.  It has run.
void note_import(const Node* statement);
void settle_import();

// The transaction has ended.
void forget_snapshots();

// Whether the snapshot that a session has imported is still exported: then there is
// somebody who counts on both.  Takes no lock and allocates nothing: the claim calls it.
bool imports_living_snapshot(const SessionSlot& slot);

}  // namespace leash
