// What the ways to leak mean, and what helps against each.
#include <algorithm>

#include <fmt/format.h>

#include "advice/clients.h"
#include "plan/leaks.h"
#include "plan/words.h"

namespace leash::tool::plan {
namespace {

std::string name_of(const Party& party) {
    return party.application.empty() ? "An application without a name"
                                     : code(party.application, 63);
}

bool all_are(const LeakGroup& group, const char* kind) {
    return std::all_of(group.causes.begin(), group.causes.end(),
                       [&](const CauseFacts* cause) { return cause->kind == kind; });
}

std::string open_transaction(const LeakGroup& group) {
    if (all_are(group, "aborted transaction")) {
        return "Leak: a statement failed, the error was handled, and nobody sent ROLLBACK. The "
               "connection went back into its pool, or was forgotten, with the failed transaction "
               "still open.";
    }
    return "Leak: a transaction is begun and on some way out of the code neither committed nor "
           "rolled back: an early return, an exception, a wait for another service or for a user. "
           "The gap since the last command is what was judged, not the transaction's age: a cursor "
           "that is being read is not meant.";
}

std::string forgotten(const LeakGroup& group) {
    if (all_are(group, "never used") || all_are(group, "ping only")) {
        return "Leak: connections are opened and never used. A pool or client is made where one "
               "exists already (for each request, each module, each reload), or one is kept by a "
               "process that has nothing to do.";
    }
    return "Leak: connections are taken and not given back (a missing release or close on some way "
           "out), so that the next request opens another one. A pool that still had them would "
           "use them again, and they were idle for longer than this application ever needs.";
}

// A pattern that cannot leak, in the language of the client.
std::string code_pattern(const std::string& application) {
    const std::vector<const Client*> chosen = guess_clients(application);
    const std::string_view client = chosen.empty() ? "" : chosen.front()->name;
    if (client == "hikari") {
        return "try (Connection connection = dataSource.getConnection()) {\n"
               "    connection.setAutoCommit(false);\n"
               "    // the work\n"
               "    connection.commit();\n"
               "}  // closes, and HikariCP rolls back what was not committed\n";
    }
    if (client == "sqlalchemy") {
        return "with Session.begin() as session:  # commits, or rolls back; then gives it back\n"
               "    ...  # the work\n";
    }
    if (client == "psycopg_pool" || client == "django") {
        return "with pool.connection() as connection:  # commits, or rolls back; then gives it "
               "back\n"
               "    ...  # the work\n";
    }
    if (client == "asyncpg") {
        return "async with pool.acquire() as connection, connection.transaction():\n"
               "    ...  # the work\n";
    }
    return "const client = await pool.connect()\n"
           "try {\n"
           "  await client.query('BEGIN')\n"
           "  // the work\n"
           "  await client.query('COMMIT')\n"
           "} catch (error) {\n"
           "  await client.query('ROLLBACK')\n"
           "  throw error\n"
           "} finally {\n"
           "  client.release()\n"
           "}\n";
}

std::string language_of(const std::string& pattern) {
    return pattern.starts_with("const") ? "js" : pattern.starts_with("try") ? "java" : "python";
}

Fix mend_code(const LeakGroup& group) {
    Fix fix;
    fix.when = When::kWeek;
    fix.what =
        "Mend the code: find what runs the statement named above, and have every way out "
        "of it end the transaction and give the connection back, as here.";
    fix.text = code_pattern(group.party.application);
    fix.language = language_of(fix.text);
    fix.risk = "that of any change of code";
    fix.undo = "revert the change";
    return fix;
}

void append(std::vector<Fix>& fixes, const std::vector<Fix>& more) {
    fixes.insert(fixes.end(), more.begin(), more.end());
}

std::vector<Fix> open_transaction_fixes(const Situation& situation, const LeakGroup& group) {
    std::vector<Fix> fixes{end_leaked(group.party, group.sessions, true)};
    append(fixes, reap_by_policy(group.party,
                                 {.name = "plan: open transactions of " + group.party.application,
                                  .kinds = "\"idle in transaction\", \"aborted transaction\"",
                                  .more = "idle_for = \"5min\"\n",
                                  .comment = "transactions that nobody ends"}));
    append(fixes, change_setting(situation, "idle_in_transaction_session_timeout",
                                 "role " + group.party.role, When::kDay,
                                 "Or, instead of a policy, let PostgreSQL itself end sessions of "
                                 "this role that idle in a transaction."));
    fixes.push_back(mend_code(group));
    return fixes;
}

// The pool's need says how many may stay; a pool that holds more on purpose is limited.
std::vector<Fix> forgotten_fixes(const Situation& situation, const LeakGroup& group) {
    std::vector<Fix> fixes{end_leaked(group.party, group.sessions, false)};
    append(fixes,
           reap_by_policy(group.party, {.name = "plan: forgotten by " + group.party.application,
                                        .kinds = "\"abandoned\", \"never used\", \"ping only\"",
                                        .more = "unused_for = \"15min\"\nkeep = 2\n",
                                        .comment = "connections that nobody gives back"}));
    const ApplicationFacts* facts =
        situation.application(group.party.application, group.party.role, group.party.database);
    const PoolAdvice* pool = facts != nullptr ? situation.pool(*facts) : nullptr;
    if (pool != nullptr) {
        for (Fix limit : limit_pool(*pool)) {
            limit.risk =
                "it protects all others, not this application: as long as it leaks, its own "
                "requests "
                "soon find no connection; " +
                limit.risk;
            fixes.push_back(std::move(limit));
        }
    }
    append(fixes,
           change_setting(situation, "CONNECTION LIMIT", "role " + group.party.role, When::kDay,
                          "Keep this role from taking the slots of all others."));
    fixes.push_back(mend_code(group));
    return fixes;
}

std::vector<Fix> client_gone_fixes(const Situation& situation, const LeakGroup& group) {
    std::vector<Fix> fixes{end_leaked(group.party, group.sessions, true)};
    append(fixes, change_setting(situation, "tcp_keepalives_idle", "the server", When::kHour,
                                 "Have idle sessions notice that their client is gone."));
    append(fixes,
           change_setting(situation, "client_connection_check_interval", "the server", When::kHour,
                          "Have running statements notice that their client is gone."));
    return fixes;
}

}  // namespace

std::string leak_title(const LeakGroup& group) {
    const std::string name = name_of(group.party);
    const std::string sessions = counted(group.sessions, "session");
    switch (group.way) {
        case LeakWay::kOpenTransaction:
            return fmt::format("{} leaves transactions open: {}", name, sessions);
        case LeakWay::kForgotten:
            return fmt::format("{} leaks connections: {}", name, sessions);
        case LeakWay::kStalledClient:
            return fmt::format("{} stalls in the middle of commands: {}", name, sessions);
        case LeakWay::kClientGone:
            return fmt::format("Clients of {} are gone, their sessions are not: {}", name,
                               sessions);
    }
    return name;
}

std::string leak_diagnosis(const LeakGroup& group) {
    switch (group.way) {
        case LeakWay::kOpenTransaction:
            return open_transaction(group);
        case LeakWay::kForgotten:
            return forgotten(group);
        case LeakWay::kStalledClient:
            return "Leak: the server waits for the client in the middle of a command, to send more "
                   "(COPY) or to read the result. The client hangs, or does something else while "
                   "it streams.";
        case LeakWay::kClientGone:
            return "Leak: the client's end of the connection is closed or unreachable, and the "
                   "session has not noticed: the process was killed, or a firewall, a proxy or a "
                   "cable took the way.";
    }
    return {};
}

std::vector<Fix> leak_fixes(const Situation& situation, const LeakGroup& group) {
    switch (group.way) {
        case LeakWay::kOpenTransaction:
            return open_transaction_fixes(situation, group);
        case LeakWay::kForgotten:
            return forgotten_fixes(situation, group);
        case LeakWay::kStalledClient:
            return {end_leaked(group.party, group.sessions, true), mend_code(group)};
        case LeakWay::kClientGone:
            return client_gone_fixes(situation, group);
    }
    return {};
}

}  // namespace leash::tool::plan
