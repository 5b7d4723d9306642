#include "server/victim.h"

#include "server/backend_state.h"
#include "server/clock.h"
#include "server/session.h"

#include "core/duration.h"

extern "C" {
#include "mb/pg_wchar.h"
#include "utils/memutils.h"
}

namespace leash {
namespace {

struct Why {
    char by[NAMEDATALEN];
    char reason[kReasonSize];
};

// False when the note has been overwritten by another reap.
bool read_note(uint16_t number, Why& why) {
    ReapNote* const note = reap_note(number);
    const uint32_t before = note->changes.begin_read();
    const bool ours = note->number == number;
    const bool readable = note->encoding == GetDatabaseEncoding();
    memcpy(why.by, note->by, sizeof why.by);
    memcpy(why.reason, note->reason, sizeof why.reason);
    if (!note->changes.consistent(before) || !ours) {
        return false;
    }
    if (!readable) {
        for (char* text : {why.by, why.reason}) {
            for (; *text != '\0'; text++) {
                if (IS_HIGHBIT_SET(*text)) {
                    *text = '?';
                }
            }
        }
    }
    return true;
}

// "idle in transaction for 2min 3s", by this session's own ledger.
void describe_state(char* buffer, size_t size) {
    char age[kDurationTextSize];
    const LedgerCopy ledger = my_slot->ledger.read();
    const uint64_t now = monotonic_ns();
    format_duration(static_cast<int64_t>((now > ledger.since ? now - ledger.since : 0) / 1000), age,
                    sizeof age);
    const State state = state_of(MyBEEntry->st_state);
    pg_snprintf(buffer, size, "%s for %s", name_of(state), age);
}

}  // namespace

void tell_victim(ErrorData* error) {
    const uint64_t word = my_slot->word.load();
    if ((word & claim::kClaimed) == 0) {
        return;
    }
    const MemoryContext old = MemoryContextSwitchTo(error->assoc_context);
    char state[80];
    describe_state(state, sizeof state);
    Why why{};
    const bool known = read_note(claim::note_of(word), why);
    const State now = state_of(MyBEEntry->st_state);
    const Opener& opener = my_slot->opener;
    const bool in_transaction =
        now == State::idle_in_transaction || now == State::idle_in_transaction_aborted;
    error->detail =
        psprintf("pg_leash ended this session%s%s%s%s. It was %s.%s%.*s",
                 known ? " for role \"" : "", known ? why.by : "", known ? "\"" : "",
                 known && why.reason[0] != '\0' ? psprintf(": %s", why.reason) : "", state,
                 in_transaction && opener.text.length > 0 ? " Its transaction was opened by: " : "",
                 in_transaction ? static_cast<int>(opener.text.length) : 0, opener.text.bytes);
    if (error->hint == nullptr) {
        error->hint = pstrdup(
            in_transaction
                ? "End every transaction with COMMIT or ROLLBACK, also when an error is raised. "
                  "Nothing that was sent after the session was claimed has run: connect again "
                  "and retry."
                : "Give connections back and close the ones not needed. Nothing that was sent "
                  "after the session was claimed has run: connect again and retry.");
    }
    MemoryContextSwitchTo(old);
}

}  // namespace leash
