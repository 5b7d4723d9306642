// libpq's account of a failed connection, made into one line with a remedy.
#pragma once

#include <string>
#include <string_view>

namespace leash::tool {

/// What libpq said, without its line breaks, its repetitions for each address
/// tried, and the place in the server's source.
struct ConnectError {
    std::string message;
    std::string sqlstate;  ///< empty when no server answered
    std::string function;  ///< of the server's source that refused; may be empty
};

ConnectError parse_connect_error(std::string_view text);

/// Every slot that this user could take is taken; the limits of roles and databases are
/// something else.
bool is_server_full(const ConnectError& error);

/// One line: message and what to do.
std::string explain_connect_error(std::string_view text);

/// The text up to its first line break.
std::string first_line(std::string_view text);

}  // namespace leash::tool
