#include "server/session.h"

#include "server/applications.h"
#include "server/clock.h"
#include "server/debug_stop.h"

#include <unistd.h>

extern "C" {
#include "libpq/auth.h"
#include "libpq/libpq-be.h"
#include "mb/pg_wchar.h"
#include "replication/walsender.h"
#include "storage/ipc.h"
#include "storage/pmsignal.h"
#include "storage/s_lock.h"
}

namespace leash {

LEASH_HOT SessionSlot* my_slot = nullptr;

namespace {

ClientAuthentication_hook_type prev_authentication = nullptr;
bool exit_registered = false;

// A short spin, then sleeps: a reaper between its steps needs a microsecond, one
// that lost its processor some milliseconds.  One that was killed never gets there:
// the postmaster then ends everybody, and where that is dead too each has to by itself.
class Pause {
public:
    void operator()() {
        if (++rounds_ < 100) {
            SPIN_DELAY();
            return;
        }
        pg_usleep(100);
        if (rounds_ % 100 == 0 && !PostmasterIsAlive()) {
            _exit(1);  // there is nobody left to clean up for
        }
    }

private:
    int rounds_ = 0;
};

// on_shmem_exit: after the open transaction was aborted, before the PGPROC and
// the process id can be given to somebody else.
void close_session(int, Datum) {
    if (my_slot == nullptr) {
        return;
    }
    SessionSlot* const slot = my_slot;
    debug_stop("leaving");
    fold_session();
    my_slot = nullptr;
    debug_stop("folded");
    claim::close(slot->word, Pause{});
    debug_stop("closed");
    pg_atomic_fetch_sub_u32(&shared()->sessions, 1);
}

// Runs before the role is known, but where failing is still allowed: registering
// may run out of entries, and the commit callback must not.
void client_authentication(Port* port, int status) {
    if (prev_authentication != nullptr) {
        prev_authentication(port, status);
    }
    if (status == STATUS_OK && shared() != nullptr && !exit_registered) {
        on_shmem_exit(close_session, 0);
        exit_registered = true;
    }
}

void count_opened() {
    SharedState* const state = shared();
    pg_atomic_fetch_add_u64(&state->opened_total, 1);
    const uint32 now = pg_atomic_fetch_add_u32(&state->sessions, 1) + 1;
    uint32 recent = pg_atomic_read_u32(&state->sessions_peak);
    while (now > recent && !pg_atomic_compare_exchange_u32(&state->sessions_peak, &recent, now)) {
    }
    uint64 peak = pg_atomic_read_u64(&state->peak_used);
    while (now > peak) {
        if (pg_atomic_compare_exchange_u64(&state->peak_used, &peak, now)) {
            pg_atomic_write_u64(&state->peak_at, static_cast<uint64>(MyStartTimestamp));
            break;
        }
    }
}

}  // namespace

bool open_session_at_login() {
    if (!exit_registered || MyProcPort == nullptr || am_walsender || MyBEEntry == nullptr) {
        return false;
    }
    const int number = my_proc_number();
    if (number < 0 || number >= shared()->slots) {
        return false;
    }
    SessionSlot* const slot = session_slot(number);
    const uint64_t now = monotonic_ns();

    slot->lease_changes.begin_write();
    slot->lease.until = 0;
    slot->lease_changes.end_write();
    slot->identity_changes.begin_write();
    slot->identity = {{MyStartTime, MyProcPid}, MyStartTimestamp,  now,
                      GetSessionUserId(),       MyDatabaseId,      GetDatabaseEncoding(),
                      MyProcPort->raddr,        MyProcPort->laddr, MyBEEntry};
    slot->identity_changes.end_write();
    slot->opener_changes.begin_write();
    slot->opener.xact_start = 0;
    slot->opener.text.length = 0;
    slot->opener_changes.end_write();
    slot->ledger.open(now);
    slot->latencies.clear();
    slot->idle_gaps.clear();
    slot->statements.set(0);
    slot->uses.set(0);
    slot->transactions.set(0);
    slot->slow_statements.set(0);
    slot->last_use.set(now);
    slot->secret_start.set(0);
    slot->ended_message.set(0);
    slot->listens.set(false);
    slot->backup.set(false);
    slot->exported_snapshot.set(false);
    slot->imported_snapshot.set(false);
    slot->held_cursors.set(0);
    slot->folded = false;

    claim::open(slot->word);
    my_slot = slot;
    count_opened();
    return true;
}

void receive_signals(uint64_t flags) {
    claim::await_signals(my_slot->word, flags, Pause{});
    (void)getppid();  // the way back from any system call delivers what is pending
}

void end_claimed_session() {
    if (claim::confirmed(my_slot->word, Pause{})) {
        ereport(FATAL, (errcode(ERRCODE_ADMIN_SHUTDOWN),
                        errmsg("terminating connection due to administrator command")));
    }
}

void install_session_hooks() {
    prev_authentication = ClientAuthentication_hook;
    ClientAuthentication_hook = client_authentication;
}

}  // namespace leash
