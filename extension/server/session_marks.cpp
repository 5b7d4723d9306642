#include "server/session_marks.h"

#include "server/lease.h"
#include "server/session.h"
#include "server/shared_snapshots.h"
#include "server/transaction.h"

extern "C" {
#include "access/xlog.h"
#include "nodes/parsenodes.h"
#include "utils/portal.h"
}

namespace leash {

namespace {

constexpr int kMaxCursors = 64;  // more than that count as one more, until all are closed

// Names of cursors that were declared WITH HOLD, in this transaction or before.
char cursors[kMaxCursors][NAMEDATALEN];
int cursor_count = 0;
bool more_cursors = false;
bool closed_all = false;
bool discarded_all = false;

void note_cursor(const DeclareCursorStmt* statement) {
    if ((statement->options & CURSOR_OPT_HOLD) == 0) {
        return;
    }
    commit_has_work = true;
    if (cursor_count == kMaxCursors) {
        more_cursors = true;
        return;
    }
    strlcpy(cursors[cursor_count++], statement->portalname, NAMEDATALEN);
}

// Only what a commit has kept belongs to no transaction any more.
bool is_held(const char* name) {
    Portal const portal = GetPortalByName(name);
    return PortalIsValid(portal) && (portal->cursorOptions & CURSOR_OPT_HOLD) != 0 &&
           portal->createSubid == InvalidSubTransactionId;
}

bool is_listed(const char* name, int count) {
    for (int i = 0; i < count; i++) {
        if (strcmp(cursors[i], name) == 0) {
            return true;
        }
    }
    return false;
}

int settle_cursors() {
    int kept = 0;
    for (int i = 0; i < cursor_count; i++) {
        if (!is_listed(cursors[i], kept) && is_held(cursors[i])) {
            memmove(cursors[kept++], cursors[i], NAMEDATALEN);
        }
    }
    cursor_count = kept;
    more_cursors = more_cursors && !closed_all;
    closed_all = false;
    return kept + (more_cursors ? 1 : 0);
}

}  // namespace

// From here on it counts as a backup: the call may be the last of a transaction that
// is not ended for hours.
void note_backup() {
    my_slot->backup.set(true);
    commit_has_work = true;
}

void note_marks(const Node* statement) {
    note_import(statement);
    if (IsA(statement, DeclareCursorStmt)) {
        note_cursor(reinterpret_cast<const DeclareCursorStmt*>(statement));
    } else if (IsA(statement, DiscardStmt) &&
               reinterpret_cast<const DiscardStmt*>(statement)->target == DISCARD_ALL) {
        discarded_all = closed_all = true;
        commit_has_work = true;
    } else if (IsA(statement, ClosePortalStmt) &&
               reinterpret_cast<const ClosePortalStmt*>(statement)->portalname == nullptr) {
        closed_all = true;
    }
}

bool settle_marks(bool committed) {
    // A pool hands the session to somebody else after this.
    if (discarded_all && committed) {
        (void)drop_lease();
    }
    discarded_all = false;
    const bool backup = get_backup_status() == SESSION_BACKUP_RUNNING;
    my_slot->backup.set(backup);
    forget_snapshots();
    const int held = settle_cursors();
    my_slot->held_cursors.set(held);
    return backup || held > 0;
}

}  // namespace leash
