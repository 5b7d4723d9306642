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
    int32_t encoding;
    uint64_t age;
    State state;
    char by[NAMEDATALEN];
    char policy[NAMEDATALEN];
    char reason[kReasonSize];
};

// As far as it can be shown in this database.
void make_readable(char* text, int encoding) {
    const bool ours = encoding == GetDatabaseEncoding() || encoding == PG_SQL_ASCII;
    if (ours &&
        pg_verify_mbstr(GetDatabaseEncoding(), text, static_cast<int>(strlen(text)), true)) {
        return;
    }
    for (; *text != '\0'; text++) {
        if (IS_HIGHBIT_SET(*text)) {
            *text = '?';
        }
    }
}

// False when the note has been overwritten by another reap.
bool read_note(uint16_t number, Why& why) {
    ReapNote* const note = reap_note(number);
    const uint32_t before = note->changes.begin_read();
    const bool ours = note->number == number;
    why.encoding = note->encoding;
    why.age = note->age;
    why.state = note->state;
    memcpy(why.by, note->by, sizeof why.by);
    memcpy(why.policy, note->policy, sizeof why.policy);
    memcpy(why.reason, note->reason, sizeof why.reason);
    if (!note->changes.consistent(before) || !ours) {
        return false;
    }
    for (char* text : {why.by, why.policy, why.reason}) {
        make_readable(text, why.encoding);
    }
    return true;
}

// What was judged, or else this session's own ledger: "idle in transaction for 2min 3s".
char* describe_state(State state, uint64_t age_ns) {
    char age[kDurationTextSize];
    if (age_ns == 0) {
        const LedgerCopy ledger = my_slot->ledger.read();
        const uint64_t now = monotonic_ns();
        age_ns = now > ledger.since ? now - ledger.since : 0;
    }
    format_duration(static_cast<int64_t>(age_ns / 1000), age, sizeof age);
    return psprintf("%s for %s", name_of(state), age);
}

// "pg_leash ended this session by policy "x" after it was idle for 5min."
char* describe_end(const Why& why, State state) {
    const char* const was = describe_state(state, why.age);
    if (why.policy[0] != '\0') {
        const char* const by = why.by[0] != '\0' ? psprintf(" for role \"%s\"", why.by) : "";
        return psprintf("pg_leash ended this session by policy \"%s\"%s after it was %s.",
                        why.policy, by, was);
    }
    const char* const by = why.by[0] != '\0' ? psprintf(" for role \"%s\"", why.by) : "";
    const char* const reason = why.reason[0] != '\0' ? psprintf(": %s", why.reason) : "";
    return psprintf("pg_leash ended this session%s%s. It was %s.", by, reason, was);
}

}  // namespace

void tell_victim(ErrorData* error) {
    const uint64_t word = my_slot->word.load();
    if ((word & claim::kClaimed) == 0) {
        return;
    }
    const MemoryContext old = MemoryContextSwitchTo(error->assoc_context);
    Why why{};
    const bool known = read_note(claim::note_of(word), why);
    const State state = known && why.age != 0 ? why.state : state_of(MyBEEntry->st_state);
    if (!known) {
        why = {};
    }
    const Opener& opener = my_slot->opener;
    const bool in_transaction =
        state == State::idle_in_transaction || state == State::idle_in_transaction_aborted;
    const bool has_opener = in_transaction && opener.text.length > 0;
    error->detail = psprintf(
        "%s%s%.*s", describe_end(why, state), has_opener ? " Its transaction was opened by: " : "",
        has_opener ? static_cast<int>(opener.text.length) : 0, opener.text.bytes);
    if (error->detail_log != nullptr) {
        // The log shows this in place of the detail: from 19 on, who sent the signal.
        error->detail_log = psprintf("%s\n%s", error->detail, error->detail_log);
    }
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
