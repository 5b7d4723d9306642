// What the tool needs to know of the server it talks to, and what to say when
// that server refuses a statement.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "connection/connection.h"
#include "failure.h"

namespace leash::tool {

/// The oldest extension whose SQL interface this tool can use.
inline constexpr const char* kNeededExtensionVersion = "1.0";

struct ServerInfo {
    std::string version;     ///< "15.20"
    int version_number = 0;  ///< 150020
    std::string database;
    std::string user;
    std::string quoted_user;  ///< as an SQL identifier
    std::optional<std::string> extension_version;
    std::string host;  ///< a name, an address or a socket directory
    std::string port;
    std::string now;  ///< the server's clock, ISO 8601 in UTC
    /// The worker's own socket answered: no database, no user.
    bool over_control_socket = false;
    /// The extension is not there, or not to be used.
    bool agentless = false;
};

ServerInfo read_server_info(Connection& connection);

/// The "server" object of JSON documents.
nlohmann::ordered_json server_json(const ServerInfo& server);

/// Throws Failure unless this database has the extension, new enough.
void require_extension(const ServerInfo& server);

/// Compares dotted numbers: negative, 0 or positive.  A missing part is 0.
int compare_versions(std::string_view left, std::string_view right);

/// What the statement that failed was for; decides which role is missing.
enum class Purpose { kReading, kActing };

/// The failure to report for a refused statement: one line with the remedy.
Failure explain_query_error(const QueryError& error, Connection& connection,
                            const ServerInfo& server, Purpose purpose);

}  // namespace leash::tool
