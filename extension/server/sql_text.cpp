// leash.mask_literals() and leash.without_pooler_host(): how texts are made comparable.
#include "server/compat.h"

#include "core/mask.h"
#include "core/pooler_name.h"

extern "C" {
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
}

extern "C" {

PGDLLEXPORT Datum leash_mask_literals(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum leash_without_pooler_host(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(leash_mask_literals);
PG_FUNCTION_INFO_V1(leash_without_pooler_host);

Datum leash_mask_literals(PG_FUNCTION_ARGS) {
    const text* const given = PG_GETARG_TEXT_PP(0);
    const auto length = static_cast<size_t>(VARSIZE_ANY_EXHDR(given));
    const size_t room = length + 3;  // ", ..." may take the place of ",1"
    char* const masked = static_cast<char*>(palloc(room));
    const size_t written = leash::mask_literals(VARDATA_ANY(given), length,
                                                {leash::strings_have_escapes()}, masked, room);
    PG_RETURN_TEXT_P(cstring_to_text_with_len(masked, static_cast<int>(written)));
}

Datum leash_without_pooler_host(PG_FUNCTION_ARGS) {
    const char* const name = text_to_cstring(PG_GETARG_TEXT_PP(0));
    PG_RETURN_TEXT_P(
        cstring_to_text_with_len(name, static_cast<int>(leash::length_without_host(name))));
}

}  // extern "C"
