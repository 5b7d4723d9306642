/* extension/core/claim.h in Promela, operation by operation, under the same names.
 *
 * An atomic operation of the header is one step here; what the code around it notes
 * down in the same step is given as `then`.  A switch in capitals that is not set by
 * model.pml or a configuration is a mutant: the same protocol with one thing left out.
 */

#define UNDECIDED 1
#define CLAIMED 2
#define IN_FLIGHT 4
#define CANCEL_IN_FLIGHT 8
#define COMMITTING 16
#define EXITING 32
#define OPEN 64
#define ANY_IN_FLIGHT (IN_FLIGHT | CANCEL_IN_FLIGHT)
#define NOTE_SHIFT 8
#define NOTE_MASK (3 << NOTE_SHIFT)
#define EPOCH_SHIFT 10
#define EPOCH_ONE (1 << EPOCH_SHIFT)
#define EPOCH_MASK (~(EPOCH_ONE - 1))

#define WITH_NOTE(w, note) (((w) & ~NOTE_MASK) | ((note) << NOTE_SHIFT))

#ifdef NO_IN_FLIGHT
#define FLAG_IN_FLIGHT 0
#else
#define FLAG_IN_FLIGHT IN_FLIGHT
#endif

int word = EPOCH_ONE | OPEN;

/* compare_exchange: `swapped` tells whether it did; if not, `expected` is what it found. */
#ifdef TORN_SWAP
#define COMPARE_EXCHANGE(expected, desired, then)                       \
    found = word;                                                       \
    atomic {                                                            \
        if                                                              \
        :: found == (expected) -> word = (desired); swapped = true; then \
        :: else -> expected = found; swapped = false                    \
        fi;                                                             \
        found = 0; SEEN                                                 \
    }
#else
#define COMPARE_EXCHANGE(expected, desired, then)                       \
    atomic {                                                            \
        if                                                              \
        :: word == (expected) -> word = (desired); swapped = true; then \
        :: else -> expected = word; swapped = false                     \
        fi;                                                             \
        SEEN                                                            \
    }
#endif

/* fetch_add: the word as it was is in `before`. */
#ifdef TORN_START
#define FETCH_ADD_EPOCH(then) \
    before = word;            \
    atomic { word = before + EPOCH_ONE; then; SEEN }
#else
#define FETCH_ADD_EPOCH(then) \
    atomic { before = word; word = before + EPOCH_ONE; then; SEEN }
#endif

#define FETCH_OR(flags) atomic { before = word; word = word | (flags); SEEN }
#define FETCH_AND_NOT(flags, then) atomic { word = word & ~(flags); then; SEEN }

/* A wait blocks where deadlock is looked for, and turns round and round where
 * progress is: there a fair scheduler is all that may end it. */
#ifdef BUSY
#define AWAIT(condition) do :: (condition) -> break :: else -> skip od
#define PAUSE_WHILE(condition) :: (condition) -> skip
#else
#define AWAIT(condition) (condition)
#define PAUSE_WHILE(condition)
#endif

#define IS_LEAVING(w) (((w) & (OPEN | EXITING)) != OPEN)

#ifdef COMMITTING_IGNORED
#define FLAGS_IN_THE_WAY (UNDECIDED | CLAIMED | ANY_IN_FLIGHT)
#define FLAGS_AGAINST_FORCE EXITING
#else
#define FLAGS_IN_THE_WAY (UNDECIDED | CLAIMED | ANY_IN_FLIGHT | COMMITTING)
#define FLAGS_AGAINST_FORCE (EXITING | COMMITTING)
#endif

#define CLAIMABLE(w) (!IS_LEAVING(w) && ((w) & FLAGS_IN_THE_WAY) == 0)
