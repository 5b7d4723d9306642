#pragma once

#include <libpq-fe.h>

namespace leash::tool {

/// PQconnectdbParams(keywords, values, expand_dbname = 1), except that a
/// server's refusal comes with its SQLSTATE and place in the error text ("FATAL:
/// 53300: ..."), whatever language the server speaks.  The caller finishes the
/// result, which is nullptr when out of memory.  timed_out tells that
/// connect_timeout ended the attempt, of which libpq then has nothing to say.
PGconn* connect_verbosely(const char* const* keywords, const char* const* values, bool& timed_out);

}  // namespace leash::tool
