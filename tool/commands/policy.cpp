// policy: finds the database that holds the policies, and runs the command there.
#include "commands/policy.h"

#include <fmt/format.h>

#include "commands/commands.h"
#include "source/sql_source.h"

namespace leash::tool {
namespace {

constexpr const char* kDatabase = "SELECT pg_catalog.current_setting('pg_leash.database', true)";

int run_on(Context& context, std::span<const FilePolicy> file) {
    switch (context.options.command) {
        case Command::kPolicyShow:
            return run_policy_show(context);
        case Command::kPolicyDiff:
            return run_policy_diff(context, file);
        case Command::kPolicyApply:
            return run_policy_apply(context, file);
        case Command::kPolicyTest:
            return run_policy_test(context, file);
        default:
            return run_policy_list(context);
    }
}

// Policies elsewhere are kept by the server, and read by nobody.
Connection open_policy_database(const Options& options) {
    Connection connection = Connection::open(options.connection);
    const std::string here =
        connection.run("SELECT pg_catalog.current_database()").value(0, 0).value_or("");
    const std::string wanted = connection.run(kDatabase).value(0, 0).value_or("");
    if (wanted.empty()) {
        write_warning(
            "pg_leash is not preloaded on this server: its policies are not read by anybody "
            "(\"pgleash doctor\" tells what is missing)");
        return connection;
    }
    if (wanted == here) {
        return connection;
    }
    write_note(
        fmt::format("the policies are in database \"{}\", which pg_leash.database names", wanted));
    return connection.open_database(options.connection, wanted);
}

Failure explain_policy_error(const QueryError& error, Connection& connection,
                             const ServerInfo& server, Command command) {
    if (error.sqlstate() == "42501" && command == Command::kPolicyApply) {
        return Failure(fmt::format(
            "role \"{}\" may not change policies ({}); they act on everyone, so only superusers "
            "write them: connect as one (-U)",
            server.user, error.what()));
    }
    if (error.sqlstate() == "25006") {
        return Failure(fmt::format(
            "{}; this server is a standby: policies are changed on its primary", error.what()));
    }
    return explain_query_error(error, connection, server, Purpose::kReading);
}

}  // namespace

std::vector<PolicyRow> rows_of(std::span<const FilePolicy> policies) {
    std::vector<PolicyRow> rows;
    for (const FilePolicy& policy : policies) {
        rows.push_back(policy.row);
    }
    return rows;
}

int run_policy(const Options& options, const Terminal& terminal) {
    // A file that is wrong is wrong on any server.
    std::vector<FilePolicy> file;
    if (!options.file.empty()) {
        file = load_policies(options.file);
    }
    std::unique_ptr<SqlSource> source;
    try {
        source = std::make_unique<SqlSource>(open_policy_database(options));
    } catch (const QueryError& error) {
        throw Failure(fmt::format("could not find the database of the policies: {}", error.what()));
    }
    ServerInfo server;
    try {
        server = source->server();
        Context context{options, terminal, *source, server};
        return run_on(context, file);
    } catch (const QueryError& error) {
        throw explain_policy_error(error, source->connection(), server, options.command);
    }
}

}  // namespace leash::tool
