/* What the model and the header are compared by: everything that is shared in the small
 * world of test/unit/claim_world.h, packed into 64 bits, and a set of such states.
 *
 * C and C++: SPIN's checker is C. */
#ifndef PGLEASH_MODEL_STATE_H
#define PGLEASH_MODEL_STATE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Name and bits.  The flags are those of the word, in its order. */
#define CLAIM_STATE_FIELDS(FIELD) \
    FIELD(flags, 7)               \
    FIELD(epoch, 5)               \
    FIELD(note, 2)                \
    FIELD(session, 2)             \
    FIELD(message, 3)             \
    FIELD(active, 1)              \
    FIELD(pid_names, 2)           \
    FIELD(terminate_to, 3)        \
    FIELD(cancel_of, 3)           \
    FIELD(ended_message, 3)       \
    FIELD(messages, 3)            \
    FIELD(started, 3)             \
    FIELD(running, 1)             \
    FIELD(completed, 3)           \
    FIELD(claimed, 2)             \
    FIELD(idle_claim, 1)          \
    FIELD(message_at_claim, 3)    \
    FIELD(claims, 2)              \
    FIELD(signals, 2)             \
    FIELD(committing, 1)          \
    FIELD(committed, 2)           \
    FIELD(cancelled, 2)           \
    FIELD(exits, 2)

struct claim_state {
#define CLAIM_STATE_MEMBER(name, bits) unsigned name;
    CLAIM_STATE_FIELDS(CLAIM_STATE_MEMBER)
#undef CLAIM_STATE_MEMBER
};

static uint64_t pack_state(const struct claim_state* state) {
    uint64_t packed = 1; /* no state is 0 */
#define CLAIM_STATE_PACK(name, bits)                                                \
    if (state->name >> (bits) != 0) {                                               \
        fprintf(stderr, "%s is %u: more than %d bits\n", #name, state->name, bits); \
        abort();                                                                    \
    }                                                                               \
    packed = packed << (bits) | state->name;
    CLAIM_STATE_FIELDS(CLAIM_STATE_PACK)
#undef CLAIM_STATE_PACK
    return packed;
}

static void print_state(uint64_t packed) {
    static const char* const flags[] = {"undecided",  "claimed", "in-flight", "cancel-in-flight",
                                        "committing", "exiting", "open"};
    int shift = 0, flag;
#define CLAIM_STATE_SHIFT(name, bits) shift += (bits);
    CLAIM_STATE_FIELDS(CLAIM_STATE_SHIFT)
#undef CLAIM_STATE_SHIFT
    printf("word");
    for (flag = 0; flag < 7; flag++) {
        if ((packed >> (shift - 7) >> flag & 1) != 0) {
            printf(" %s", flags[flag]);
        }
    }
#define CLAIM_STATE_PRINT(name, bits)                                                \
    shift -= (bits);                                                                 \
    if ((bits) != 7) {                                                               \
        printf(" %s=%u", #name, (unsigned)(packed >> shift & ((1u << (bits)) - 1))); \
    }
    CLAIM_STATE_FIELDS(CLAIM_STATE_PRINT)
#undef CLAIM_STATE_PRINT
    printf("\n");
}

/* --- the states seen so far ------------------------------------------------------ */

static uint64_t* seen_states;
static size_t seen_size, seen_count;

static void insert_state(uint64_t packed) {
    size_t at = (size_t)(packed * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (seen_size - 1);
    while (seen_states[at] != 0 && seen_states[at] != packed) {
        at = (at + 1) & (seen_size - 1);
    }
    seen_count += seen_states[at] == 0;
    seen_states[at] = packed;
}

static void grow_states(void) {
    uint64_t* const old = seen_states;
    const size_t old_size = seen_size;
    size_t i;
    seen_size = old_size == 0 ? 1024 : old_size * 2;
    seen_count = 0;
    seen_states = (uint64_t*)calloc(seen_size, sizeof *seen_states);
    if (seen_states == NULL) {
        abort();
    }
    for (i = 0; i < old_size; i++) {
        if (old[i] != 0) {
            insert_state(old[i]);
        }
    }
    free(old);
}

static void remember_state(const struct claim_state* state) {
    if (2 * seen_count >= seen_size) {
        grow_states();
    }
    insert_state(pack_state(state));
}

/* One a line, in no order. */
static void print_states(void) {
    size_t i;
    for (i = 0; i < seen_size; i++) {
        if (seen_states[i] != 0) {
            print_state(seen_states[i]);
        }
    }
}

#endif
