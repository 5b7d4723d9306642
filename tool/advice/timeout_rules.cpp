// Which timeouts of PostgreSQL's own would do, by the leaks that were seen; and what they
// would end besides.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "advice/pool_notes.h"
#include "advice/quoting.h"
#include "advice/setting_rules.h"
#include "commands/node_clients.h"
#include "core/names.h"

namespace leash::tool {
namespace {

constexpr double kHour = 3600;
constexpr std::int64_t kTransactionTimeout = 170'000;  // the version that has it

bool is_kind(const CauseFacts& cause, std::initializer_list<Leak> kinds) {
    return cause.leaked && std::any_of(kinds.begin(), kinds.end(),
                                       [&](Leak kind) { return cause.kind == name_of(kind); });
}

// Causes of the same role, as one.
struct RoleLeak {
    std::int64_t sessions = 0;
    double oldest = 0;
    std::vector<std::string> applications;
    std::string opener;  // of the first cause, which is the worst
};

std::map<std::string, RoleLeak> leaks_by_role(const Evidence& evidence,
                                              std::initializer_list<Leak> kinds) {
    std::map<std::string, RoleLeak> roles;
    for (const CauseFacts& cause : evidence.causes) {
        if (!is_kind(cause, kinds) || cause.usename.empty()) {
            continue;
        }
        RoleLeak& leak = roles[cause.usename];
        leak.opener = leak.sessions == 0 ? cause.opener : leak.opener;
        leak.sessions += cause.sessions;
        leak.oldest = std::max(leak.oldest, cause.oldest.value);
        if (std::find(leak.applications.begin(), leak.applications.end(), cause.application_name) ==
            leak.applications.end()) {
            leak.applications.push_back(cause.application_name);
        }
    }
    return roles;
}

std::string names_of(const std::vector<std::string>& applications) {
    std::string out;
    for (const std::string& application : applications) {
        out += (out.empty() ? "" : ", ") + (application.empty() ? "(no name)" : application);
    }
    return out;
}

bool is_zero(const std::string& setting) {
    return !setting.empty() && setting.find_first_of("123456789") == std::string::npos;
}

// What a role's sessions have: of their own, else the server's.  nullopt: not known.
std::optional<bool> is_off(const Evidence& evidence, const std::string& role,
                           std::string_view name) {
    if (const auto own = role_setting(evidence, role, name)) {
        return is_zero(*own);
    }
    const auto value = server_setting(evidence, name);
    return value ? std::optional(*value == 0) : std::nullopt;
}

std::string leaked_text(const RoleLeak& leak, const char* how) {
    const std::string opener = leak.opener.empty() ? "" : "; opened by: " + leak.opener;
    return fmt::format("{} {}, the oldest for {} ({}){}", counted(leak.sessions, "session"), how,
                       duration_text(Seconds{leak.oldest}), names_of(leak.applications), opener);
}

std::string set_role(const std::string& role, std::string_view name, double seconds) {
    return fmt::format("ALTER ROLE {} SET {} = '{}';\n", sql_name(role), name,
                       setting_text(seconds));
}

std::string reset_role(const std::string& role, std::string_view name) {
    return fmt::format("ALTER ROLE {} RESET {};\n", sql_name(role), name);
}

// Longer than what the role's applications are used to; nullopt: that is not known of all.
std::optional<double> habit_of(const Evidence& evidence, const std::string& role) {
    double longest = 0;
    for (const ApplicationFacts& facts : evidence.applications) {
        if (facts.usename == role && facts.sessions > 0) {
            if (!facts.learned_idle) {
                return std::nullopt;
            }
            longest = std::max(longest, facts.learned_idle->value);
        }
    }
    return longest;
}

}  // namespace

void advise_idle_in_transaction(const Evidence& evidence, SettingList& list) {
    constexpr std::string_view kName = "idle_in_transaction_session_timeout";
    const double threshold =
        server_setting(evidence, "pg_leash.idle_in_transaction_threshold").value_or(60'000) / 1000;
    for (const auto& [role, leak] :
         leaks_by_role(evidence, {Leak::idle_in_transaction, Leak::aborted_transaction})) {
        const auto off = is_off(evidence, role, kName);
        if (!off) {
            continue;
        }
        SettingAdvice advice{std::string(kName),
                             "role " + role,
                             leaked_text(leak, "idle in transaction"),
                             {},
                             {},
                             {},
                             {}};
        if (*off) {
            advice.evidence += fmt::format("; {} is 0", kName);
            advice.paste = set_role(role, kName, threshold);
            advice.does =
                "enough where every session of this role may be cut alike: PostgreSQL ends it by "
                "its own timer. It knows no exceptions, leaves no journal, and a session can "
                "switch it off; a policy is for where that matters";
            advice.risk =
                "whoever rightly waits that long in a transaction is ended too (25P03); it holds "
                "for sessions that begin after it";
            advice.undo = reset_role(role, kName);
        } else {
            advice.evidence += fmt::format(
                "; {} is set, and did not end them: they began before it was, or switched it off",
                kName);
            advice.does = "a policy of pg_leash binds whatever a session sets (pgleash policy)";
        }
        list.push_back(std::move(advice));
    }
}

void advise_idle_session(const Evidence& evidence, SettingList& list) {
    constexpr std::string_view kName = "idle_session_timeout";
    for (const auto& [role, leak] : leaks_by_role(evidence, {Leak::abandoned, Leak::never_used})) {
        if (!is_off(evidence, role, kName).value_or(false)) {
            continue;
        }
        const auto habit = habit_of(evidence, role);
        SettingAdvice advice{
            std::string(kName), "role " + role, leaked_text(leak, "idle"), {}, {}, {}, {}};
        if (habit) {
            const double timeout = round_duration(std::max(2 * *habit, kHour));
            advice.evidence += fmt::format(
                "; its applications practically never pause for more "
                "than {}",
                duration_text(Seconds{*habit}));
            advice.paste = set_role(role, kName, timeout);
            advice.does =
                "enough where no pooler and no pool that keeps connections ready uses this role; "
                "the idle timeout of the client's own pool is the better place";
            advice.risk =
                "it ends sessions that listen, or that a pool keeps, too (57P05), and a client "
                "that does not expect it fails at its next command";
            advice.undo = reset_role(role, kName);
        } else {
            advice.does =
                "no timeout follows yet, since the habits of its applications are not learned: a "
                "policy with learned = true waits for that";
        }
        list.push_back(std::move(advice));
    }
}

void advise_ping_only(const Evidence& evidence, SettingList& list) {
    for (const auto& [role, leak] : leaks_by_role(evidence, {Leak::ping_only})) {
        const std::string name = "ping only, " + role;
        list.push_back(
            {"policy", "role " + role, leaked_text(leak, "used for nothing but pings"),
             fmt::format("[[policy]]\n"
                         "name = {}\n"
                         "mode = \"observe\"\n"
                         "action = \"terminate\"\n"
                         "kinds = [\"ping only\"]\n"
                         "roles = [{}]\n"
                         "unused_for = \"1h\"\n"
                         "keep = 2\n",
                         python_text(name), python_text(role)),
             "no timeout of PostgreSQL's ends them, since each ping starts it anew; this goes into "
             "a file for pgleash policy apply",
             "none while it observes: pgleash log tells what it would have done",
             fmt::format("DELETE FROM leash.policies WHERE name = {};\n", sql_text(name))});
    }
}

void advise_transaction_timeout(const Evidence& evidence, SettingList& list) {
    constexpr std::string_view kName = "transaction_timeout";
    if (evidence.server.version_number < kTransactionTimeout) {
        return;
    }
    std::map<std::string, const TransactionFacts*> longest;
    for (const TransactionFacts& open : evidence.transactions) {
        // Idle ones are idle_in_transaction_session_timeout's.
        const bool works = open.state == name_of(State::active);
        if (works && open.xact_for && open.xact_for->value >= kHour && !open.usename.empty()) {
            longest.emplace(open.usename, &open);
        }
    }
    for (const auto& [role, open] : longest) {
        if (!is_off(evidence, role, kName).value_or(false)) {
            continue;
        }
        list.push_back(
            {std::string(kName), "role " + role,
             fmt::format(
                 "a transaction of {} has been open for {} and works{}",
                 names_of({open->application_name}), duration_text(*open->xact_for),
                 open->blocked_by > 0 ? "; it blocks " + counted(open->blocked_by, "session") : ""),
             set_role(role, kName, kHour),
             "enough where no transaction of this role may take longer; nothing else "
             "ends one that keeps working",
             "dumps, index builds and batches of this role are ended as well (25P04)",
             reset_role(role, kName)});
    }
}

void advise_peers(const Evidence& evidence, SettingList& list) {
    std::int64_t gone = 0;
    std::vector<std::string> applications;
    for (const CauseFacts& cause : evidence.causes) {
        if (is_kind(cause, {Leak::peer_gone})) {
            gone += cause.sessions;
            applications.push_back(cause.application_name);
        }
    }
    if (gone == 0) {
        return;
    }
    const std::string seen = fmt::format("{} whose client is gone ({})", counted(gone, "session"),
                                         names_of(applications));
    if (server_setting(evidence, "client_connection_check_interval") == 0.0) {
        list.push_back({"client_connection_check_interval", "the server",
                        seen + "; client_connection_check_interval is 0",
                        "ALTER SYSTEM SET client_connection_check_interval = '10s';\n"
                        "SELECT pg_reload_conf();\n",
                        "enough for statements that run on for a client that has hung up; it does "
                        "nothing for sessions that are idle",
                        "a system call every ten seconds for each running statement",
                        "ALTER SYSTEM RESET client_connection_check_interval;\n"
                        "SELECT pg_reload_conf();\n"});
    }
    if (is_default(evidence, "tcp_keepalives_idle")) {
        list.push_back({"tcp_keepalives_idle", "the server",
                        seen + "; keepalives are the kernel's, which are two hours on Linux",
                        "ALTER SYSTEM SET tcp_keepalives_idle = 60;\n"
                        "ALTER SYSTEM SET tcp_keepalives_interval = 10;\n"
                        "ALTER SYSTEM SET tcp_keepalives_count = 6;\n"
                        "SELECT pg_reload_conf();\n",
                        "enough for machines that vanish: idle sessions of theirs end after two "
                        "minutes. A proxy that lives on answers for a client that is dead",
                        "a network that fails for two minutes cuts idle sessions",
                        "ALTER SYSTEM RESET tcp_keepalives_idle;\n"
                        "ALTER SYSTEM RESET tcp_keepalives_interval;\n"
                        "ALTER SYSTEM RESET tcp_keepalives_count;\n"
                        "SELECT pg_reload_conf();\n"});
    }
}

void advise_node_clients(const Evidence& evidence, SettingList& list) {
    std::vector<std::string> applications;
    const auto add = [&](const std::string& application) {
        if (may_be_node(application) && std::find(applications.begin(), applications.end(),
                                                  application) == applications.end()) {
            applications.push_back(application);
        }
    };
    for (const CauseFacts& cause : evidence.causes) {
        if (cause.leaked) {
            add(cause.application_name);
        }
    }
    for (const ReapFacts& reap : evidence.reaps) {
        if (reap.outcome == "ended") {
            add(reap.application_name);
        }
    }
    if (applications.empty()) {
        return;
    }
    list.push_back({"pool.on('error')",
                    fmt::format("application{} {}", applications.size() == 1 ? "" : "s",
                                names_of(applications)),
                    "leaked sessions are to be ended, or were; by name, or for want of one, the "
                    "client may be node-postgres, and without an 'error' listener its whole "
                    "process ends with a session",
                    "pool.on('error', (err) => console.error(err))\n",
                    "comes first, before any timeout or policy ends sessions of this client",
                    "none: the pool opens a new connection when it needs one", ""});
}

}  // namespace leash::tool
