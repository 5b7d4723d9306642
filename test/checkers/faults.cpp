// Faults that a checker must find: script/sanitize and script/valgrind load this library and
// call it, to see that they would notice.  It is a part of nothing else.
extern "C" {
#include "postgres.h"

#include "fmgr.h"

PG_MODULE_MAGIC;
PG_FUNCTION_INFO_V1(overflow_of_heap);
PG_FUNCTION_INFO_V1(use_after_free);
PG_FUNCTION_INFO_V1(use_after_pfree);
PG_FUNCTION_INFO_V1(use_of_nothing);
PG_FUNCTION_INFO_V1(overflow_of_integer);

// Kept from the optimizer, which would drop what has no effect.
static char* volatile bytes;
static volatile int32 number = PG_INT32_MAX;

Datum overflow_of_heap(PG_FUNCTION_ARGS) {
    bytes = static_cast<char*>(malloc(PG_NARGS() + 40));
    PG_RETURN_INT32(bytes[PG_NARGS() + 40] == 0 ? 1 : 2);
}

Datum use_after_free(PG_FUNCTION_ARGS) {
    bytes = static_cast<char*>(malloc(PG_NARGS() + 40));
    free(bytes);
    PG_RETURN_INT32(bytes[PG_NARGS() + 8] == 0 ? 1 : 2);
}

// Seen by valgrind when PostgreSQL tells it what is freed.
Datum use_after_pfree(PG_FUNCTION_ARGS) {
    bytes = static_cast<char*>(palloc(PG_NARGS() + 40));
    pfree(bytes);
    PG_RETURN_INT32(bytes[PG_NARGS() + 8] == 0 ? 1 : 2);
}

// Of what was never set.
Datum use_of_nothing(PG_FUNCTION_ARGS) {
    bytes = static_cast<char*>(palloc(PG_NARGS() + 40));
    PG_RETURN_INT32(bytes[PG_NARGS() + 8] == 0 ? 1 : 2);
}

Datum overflow_of_integer(PG_FUNCTION_ARGS) {
    number = number + PG_NARGS() + 1;
    PG_RETURN_INT32(number);
}
}
