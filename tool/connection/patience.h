#pragma once

#include <libpq-fe.h>

namespace leash::tool {

/// PQexecParams() with text in and out, but only for so long: a server that has stopped
/// without closing the connection would be waited for until TCP gives up, if ever.  Then
/// the connection is broken off and QueryError thrown.
PGresult* run_patiently(PGconn* connection, const char* sql, int parameters,
                        const char* const* values, double seconds);

}  // namespace leash::tool
