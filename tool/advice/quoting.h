// Names as literals of the languages that clients are written in.  Whatever a name holds,
// the text stays one line and one literal; what is no UTF-8 becomes U+FFFD.
#pragma once

#include <string>
#include <string_view>

namespace leash::tool {

std::string javascript_text(std::string_view name);  ///< 'it\'s'
std::string python_text(std::string_view name);      ///< "it's"; YAML reads it too
std::string url_text(std::string_view name);         ///< it%27s
std::string sql_name(std::string_view name);         ///< "it's", or U&"..."
std::string sql_text(std::string_view name);         ///< 'it''s', or U&'...'

/// A name of a PgBouncer database: "it's".  Empty when it cannot be written there.
std::string pgbouncer_name(std::string_view name);

}  // namespace leash::tool
