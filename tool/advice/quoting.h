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

/// A database as pgbouncer.ini names it, which quotes no names: the left side, empty when
/// it cannot stand there, and then dbname='it''s' for the right side, empty when it cannot
/// be written there either.
std::string pgbouncer_name(std::string_view name);
std::string pgbouncer_dbname(std::string_view name);

}  // namespace leash::tool
