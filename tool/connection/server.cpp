#include "connection/server.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

namespace leash::tool {
namespace {

constexpr const char* kServerInfo = R"sql(
SELECT pg_catalog.current_setting('server_version'),
       pg_catalog.current_setting('server_version_num'),
       pg_catalog.current_database(),
       current_user,
       pg_catalog.quote_ident(current_user),
       (SELECT e.extversion FROM pg_catalog.pg_extension e WHERE e.extname = 'pg_leash'),
       pg_catalog.to_char(pg_catalog.clock_timestamp() AT TIME ZONE 'UTC',
                          'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))sql";

constexpr const char* kRoles = R"sql(
SELECT pg_catalog.pg_has_role(current_user, 'pg_monitor', 'USAGE'),
       pg_catalog.pg_has_role(current_user, 'pg_signal_backend', 'USAGE'))sql";

bool is_missing_object(const std::string& sqlstate) {
    return sqlstate == "42P01" || sqlstate == "3F000" || sqlstate == "42883" || sqlstate == "42703";
}

// Which of the two roles the user lacks, as a statement to paste.
std::string missing_roles(Connection& connection, const ServerInfo& server, Purpose purpose) {
    const Result result = connection.run(kRoles);
    std::string roles;
    if (result.value(0, 0) == "f") {
        roles = "pg_monitor";
    }
    if (purpose == Purpose::kActing && result.value(0, 1) == "f") {
        roles += roles.empty() ? "pg_signal_backend" : ", pg_signal_backend";
    }
    return roles.empty() ? roles : fmt::format("GRANT {} TO {}", roles, server.quoted_user);
}

std::string explain_denied(const QueryError& error, Connection& connection,
                           const ServerInfo& server, Purpose purpose) {
    std::string grant;
    try {
        grant = missing_roles(connection, server, purpose);
    } catch (const QueryError&) {
        // Then the server's own words have to do.
    }
    if (grant.empty()) {
        return error.what();
    }
    return fmt::format("role \"{}\" may not do this ({}); as a superuser run: {}", server.user,
                       error.what(), grant);
}

std::string explain_missing(const QueryError& error, const ServerInfo& server) {
    if (!server.extension_version) {
        return fmt::format(
            "the extension pg_leash is not in database \"{}\"; run there: CREATE EXTENSION "
            "pg_leash",
            server.database);
    }
    if (std::string_view(error.what()).find("could not find function") != std::string_view::npos) {
        return fmt::format(
            "the library pg_leash is older than the extension in database \"{}\" ({}); restart "
            "the server so that it loads the installed one",
            server.database, error.what());
    }
    return fmt::format(
        "the extension pg_leash {} in database \"{}\" lacks something ({}); run there: ALTER "
        "EXTENSION pg_leash UPDATE",
        *server.extension_version, server.database, error.what());
}

}  // namespace

ServerInfo read_server_info(Connection& connection) {
    const Result result = connection.run(kServerInfo);
    ServerInfo server;
    server.version = result.value(0, 0).value_or("");
    // "15.20 (Debian 15.20-0+deb12u1)": the packager's part says nothing here.
    server.version.resize(std::min(server.version.find(' '), server.version.size()));
    server.version_number = std::atoi(result.value(0, 1).value_or("0").c_str());
    server.database = result.value(0, 2).value_or("");
    server.user = result.value(0, 3).value_or("");
    server.quoted_user = result.value(0, 4).value_or("");
    server.extension_version = result.value(0, 5);
    server.now = result.value(0, 6).value_or("");
    server.host = connection.host();
    server.port = connection.port();
    return server;
}

nlohmann::ordered_json server_json(const ServerInfo& server) {
    nlohmann::ordered_json object;
    object["host"] = server.host;
    object["port"] = server.port;
    object["via"] = server.over_control_socket ? "control socket" : "connection";
    object["agentless"] = server.agentless;
    object["database"] = server.over_control_socket ? nlohmann::ordered_json(nullptr)
                                                    : nlohmann::ordered_json(server.database);
    object["user"] = server.over_control_socket ? nlohmann::ordered_json(nullptr)
                                                : nlohmann::ordered_json(server.user);
    object["version"] = server.version;
    object["version_num"] = server.version_number;
    object["extension_version"] = server.extension_version
                                      ? nlohmann::ordered_json(*server.extension_version)
                                      : nlohmann::ordered_json(nullptr);
    return object;
}

void require_extension(const ServerInfo& server) {
    if (!server.extension_version) {
        throw Failure(
            fmt::format("the extension pg_leash is not in database \"{}\"; run there: CREATE "
                        "EXTENSION pg_leash (or name another database with -d)",
                        server.database));
    }
    if (compare_versions(*server.extension_version, kNeededExtensionVersion) < 0) {
        throw Failure(
            fmt::format("the extension pg_leash in database \"{}\" is {}, this tool needs {} or "
                        "later; run there: ALTER EXTENSION pg_leash UPDATE",
                        server.database, *server.extension_version, kNeededExtensionVersion));
    }
}

int compare_versions(std::string_view left, std::string_view right) {
    const auto take = [](std::string_view& text) {
        const std::string part(text.substr(0, std::min(text.find('.'), text.size())));
        text.remove_prefix(std::min(part.size() + 1, text.size()));
        return std::strtol(part.c_str(), nullptr, 10);
    };
    while (!left.empty() || !right.empty()) {
        const long a = take(left);
        const long b = take(right);
        if (a != b) {
            return a < b ? -1 : 1;
        }
    }
    return 0;
}

Failure explain_query_error(const QueryError& error, Connection& connection,
                            const ServerInfo& server, Purpose purpose) {
    const std::string& code = error.sqlstate();
    if (!connection.is_alive()) {
        return Failure(fmt::format("lost the connection to the server: {}", error.what()));
    }
    if (code == "42501") {
        return Failure(explain_denied(error, connection, server, purpose));
    }
    if (code == "55000") {
        return Failure(
            fmt::format("{}; add pg_leash to shared_preload_libraries and restart the server "
                        "(\"pgleash doctor\" prints the command)",
                        error.what()));
    }
    if (code == "58P01") {
        return Failure(
            fmt::format("{}; install the package of pg_leash on the server", error.what()));
    }
    if (is_missing_object(code)) {
        return Failure(explain_missing(error, server));
    }
    return Failure(fmt::format("the server refused: {} (SQLSTATE {})", error.what(), code));
}

}  // namespace leash::tool
