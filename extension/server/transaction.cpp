// Watches transactions.  The first commit of a backend is InitPostgres's own: there
// the session opens.
#include "server/transaction.h"

#include "server/hooks.h"
#include "server/listening.h"
#include "server/policy_changes.h"
#include "server/session.h"
#include "server/session_marks.h"
#include "server/shared_snapshots.h"
#include "server/statement_path.h"

extern "C" {
#include "storage/ipc.h"
#include "tcop/pquery.h"
#include "utils/fmgrprotos.h"
}

namespace leash {

LEASH_HOT bool commit_has_work = false;

namespace {

LEASH_HOT bool committing = false;

void do_work_of_commit() {
    commit_has_work = false;
    if (listening_changes) {
        listening_committed();
    }
    if (policies_change) {
        policies_committed();
    }
    if (my_slot != nullptr) {
        commit_has_work = settle_marks(true);
    }
}

// There is no session yet, or this is no client's process.
pg_noinline void commit_without_session() {
    if (open_session_at_login()) {
        statements_begin();
    } else if (commit_has_work) {
        do_work_of_commit();
    }
}

// A commit that has more to say than that a transaction ended.
pg_noinline void settle_commit() {
    const bool wrote = committing;
    commit_ends();
    if (commit_has_work) {
        do_work_of_commit();
    }
    if ((current.open || wrote || synced_late()) && at_transaction_level()) {
        transaction_ends(wrote);
    }
}

inline void before_commit() {
    if (my_slot != nullptr && unlikely(TransactionIdIsValid(MyProc->xid))) {
        commit_begins();
    }
}

inline void committed() {
    if (unlikely(my_slot == nullptr)) {
        commit_without_session();
        return;
    }
    const bool has_more = committing | commit_has_work | current.open;
    if (unlikely(has_more || synced_late())) {
        settle_commit();
    }
    transaction_ends_within();
}

// After an error the message loop has no portal any more; a ROLLBACK inside CALL has.
bool ends_message() {
    return ActivePortal == nullptr || proc_exit_inprogress;
}

pg_noinline void aborted() {
    const bool had_work = commit_has_work;
    commit_has_work = false;
    forget_policy_changes();
    if (my_slot == nullptr) {
        return;
    }
    commit_ends();
    if (had_work) {
        listening_aborted();
        commit_has_work = settle_marks(false);
    }
    if (ends_message()) {
        reset_nesting();
        message_fails();
    }
    transaction_ends_within();
}

pg_noinline void rare_event(XactEvent event) {
    if (event == XACT_EVENT_PRE_PREPARE) {
        check_prepare();
        before_commit();
    } else if (event == XACT_EVENT_PREPARE) {
        committed();
    } else if (event == XACT_EVENT_ABORT) {
        aborted();
    }
}

// Nothing in here may fail after PRE_COMMIT.
pg_attribute_hot void transaction_event(XactEvent event, void*) {
    if (event == XACT_EVENT_PRE_COMMIT) {
        before_commit();
    } else if (event == XACT_EVENT_COMMIT) {
        committed();
    } else {
        rare_event(event);
    }
}

// An error after SAVEPOINT ends the subtransaction alone.
void subtransaction_event(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
    if (unlikely(listening_changes) &&
        (event == SUBXACT_EVENT_COMMIT_SUB || event == SUBXACT_EVENT_ABORT_SUB)) {
        listening_subtransaction_ended(event == SUBXACT_EVENT_COMMIT_SUB);
    }
    if (event != SUBXACT_EVENT_ABORT_SUB || my_slot == nullptr) {
        return;
    }
    if (unlikely(my_slot->exported_snapshot.get())) {
        export_changes();  // maybe it was from there that it could not be exported
    }
    if (ends_message() && DatumGetInt32(pg_trigger_depth(nullptr)) == 0) {
        reset_nesting();
        message_fails();
    }
}

}  // namespace

void commit_begins() {
    committing = true;
    if (claim::committing(my_slot->word)) {
        receive_signals(claim::kAnyInFlight);
    }
    CHECK_FOR_INTERRUPTS();
}

void commit_ends() {
    if (committing) {
        claim::committed(my_slot->word);
        committing = false;
    }
}

void install_transaction_callbacks() {
    RegisterXactCallback(transaction_event, nullptr);
    RegisterSubXactCallback(subtransaction_event, nullptr);
}

}  // namespace leash
