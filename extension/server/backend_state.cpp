#include "server/backend_state.h"

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

extern "C" {
#include "replication/syncrep.h"
}

namespace leash {
namespace {

// Writers hold the change count for a memcpy; a reader that meets one this often
// has met a process that was stopped in the middle.
constexpr int kTries = 10'000;

ClientWait client_wait_of(uint32 wait_event) {
    switch (wait_event) {
        case WAIT_EVENT_CLIENT_READ:
            return ClientWait::read;
        case WAIT_EVENT_CLIENT_WRITE:
            return ClientWait::write;
        default:
            return ClientWait::none;
    }
}

BackendEntry entry_of(const SessionIdentity& identity) {
    return {identity.status, identity.id.pid, identity.backend_start};
}

// A process that has used no time of a processor since the last look has neither sent nor
// received anything.  0 where that is not to be had: all waits are taken for one.  By a
// system call: what fakes the time of day fakes the C library's clocks.
uint64_t cpu_time_of(int pid) {
#ifdef __linux__
    clockid_t clock;
    timespec used;
    if (clock_getcpuclockid(pid, &clock) == 0 && syscall(SYS_clock_gettime, clock, &used) == 0) {
        return static_cast<uint64_t>(used.tv_sec) * 1'000'000'000 +
               static_cast<uint64_t>(used.tv_nsec);
    }
#endif
    return 0;
}

bool still_the_one(const BackendEntry& entry) {
    const volatile PgBackendStatus* const status = entry.status;
    return status->st_procpid == entry.pid &&
           status->st_proc_start_timestamp == entry.backend_start;
}

// Runs `read` until it saw one consistent state of the entry.
template <class Read>
bool read_entry(const volatile PgBackendStatus* status, Read read) {
    for (int i = 0; i < kTries; i++) {
        int before = 0;
        int after = 0;
        pgstat_begin_read_activity(status, before);
        read();
        pgstat_end_read_activity(status, after);
        if (pgstat_read_activity_complete(before, after)) {
            return true;
        }
    }
    return false;
}

}  // namespace

bool waits_for_client(const BackendState& backend) {
    const bool active = backend.state == State::active || backend.state == State::fastpath;
    return backend.client_wait == ClientWait::write ||
           (backend.client_wait == ClientWait::read && active);
}

bool read_backend_state(int number, const SessionIdentity& identity, BackendState& state) {
    return read_backend_state(number, entry_of(identity), state);
}

bool read_backend_state(int number, const BackendEntry& entry, BackendState& state) {
    const volatile PgBackendStatus* const status = entry.status;
    const volatile PGPROC* const proc = GetPGProcByNumber(number);
    bool same = false;
    const bool consistent = read_entry(status, [&] {
        same = still_the_one(entry);
        state.state = state_of(status->st_state);
        state.state_change = status->st_state_start_timestamp;
        state.xact_start = status->st_xact_start_timestamp;
        state.query_start = status->st_activity_start_timestamp;
    });
    state.wait_event = proc->wait_event_info;
    state.client_wait = client_wait_of(state.wait_event);
    state.cpu_time = waits_for_client(state) ? cpu_time_of(entry.pid) : 0;
    state.in_sync_rep = proc->syncRepState != SYNC_REP_NOT_WAITING;
    return consistent && same;
}

bool read_backend_texts(const SessionIdentity& identity, char (&application)[NAMEDATALEN],
                        char* activity) {
    const BackendEntry entry = entry_of(identity);
    const volatile PgBackendStatus* const status = entry.status;
    bool same = false;
    const bool consistent = read_entry(status, [&] {
        same = still_the_one(entry);
        memcpy(application, status->st_appname, NAMEDATALEN);
        memcpy(activity, status->st_activity_raw, pgstat_track_activity_query_size);
    });
    application[NAMEDATALEN - 1] = '\0';
    activity[pgstat_track_activity_query_size - 1] = '\0';
    return consistent && same;
}

bool read_application_name(const SessionIdentity& identity, char (&name)[NAMEDATALEN]) {
    const BackendEntry entry = entry_of(identity);
    bool same = false;
    const bool consistent = read_entry(entry.status, [&] {
        same = still_the_one(entry);
        memcpy(name, entry.status->st_appname, NAMEDATALEN);
    });
    name[NAMEDATALEN - 1] = '\0';
    return consistent && same;
}

bool read_identity(const SessionSlot& slot, SessionIdentity& identity) {
    for (int i = 0; i < kTries; i++) {
        const uint32_t before = slot.identity_changes.begin_read();
        identity = slot.identity;
        if (slot.identity_changes.consistent(before)) {
            return true;
        }
    }
    return false;
}

}  // namespace leash
