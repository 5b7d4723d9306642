#include "plan/fixes.h"

#include <fmt/format.h>

#include "advice/clients.h"
#include "advice/quoting.h"
#include "commands/node_clients.h"
#include "plan/quoting.h"
#include "plan/words.h"
#include "render/text.h"

namespace leash::tool::plan {
namespace {

constexpr std::size_t kNameLength = 63;  // bytes, of a policy's name

std::string cut_name(const std::string& name) {
    std::size_t end = 0;
    while (end < name.size()) {
        const std::size_t next = end + decode_utf8(name, end).length;
        if (next > kNameLength) {
            break;
        }
        end = next;
    }
    return name.substr(0, end);
}

std::string policy_toml(const Party& party, const PolicyText& policy) {
    // TOML's strings are Python's.
    return fmt::format(
        "[[policy]]\n"
        "name = {}\n"
        "comment = {}\n"
        "mode = \"observe\"\n"
        "action = \"terminate\"\n"
        "applications = [{}]\n"
        "roles = [{}]\n"
        "databases = [{}]\n"
        "kinds = [{}]\n"
        "{}"
        "max_per_minute = 60\n",
        python_text(cut_name(policy.name)), python_text(policy.comment),
        python_text(glob_of(party.application)), python_text(party.role),
        python_text(party.database), policy.kinds, policy.more);
}

std::string language_of(std::string_view client) {
    if (client == "hikari") {
        return "properties";
    }
    if (client == "sqlalchemy" || client == "django" || client == "psycopg_pool" ||
        client == "asyncpg") {
        return "python";
    }
    if (client == "pgbouncer") {
        return "ini";
    }
    if (client == "rails") {
        return "yaml";
    }
    return client == "prisma-6" ? "sh" : client == "go" ? "go" : "js";
}

}  // namespace

std::string Party::who() const {
    return plan::who(application, role, database);
}

std::string filter_options(const Party& party) {
    return fmt::format("--app {} --user {} --db {}", shell_word(glob_of(party.application)),
                       shell_word(party.role), shell_word(party.database));
}

Fix end_leaked(const Party& party, std::int64_t sessions, bool in_transaction) {
    const std::string command = "pgleash terminate --leaked " + filter_options(party);
    Fix fix;
    fix.what = fmt::format(
        "End {}. The first command shows them, the second ends them; whoever "
        "came back to life meanwhile is spared.",
        sessions == 1 ? "the leaked session"
                      : fmt::format("the {} leaked sessions", number(sessions)));
    fix.language = "sh";
    fix.text = command + "\n" + command + " --yes\n";
    fix.risk = in_transaction
                   ? "their open transactions are rolled back; the clients get FATAL 57P01 with "
                     "the reason at their next command"
                   : "their clients get FATAL 57P01 with the reason if they ever come back, and "
                     "must connect again";
    if (may_be_node(party.application)) {
        fix.risk +=
            "; a node-postgres pool without an 'error' listener ends its whole process: add "
            "pool.on('error', ...) first, or expect that restart";
    }
    fix.undo = "not possible, nor needed: clients connect again";
    return fix;
}

std::vector<Fix> reap_by_policy(const Party& party, const PolicyText& policy) {
    Fix observe;
    observe.when = When::kHour;
    observe.what = fmt::format(
        "Let a policy look out for them from now on. It only observes at first: {} shows whom it "
        "would have ended.",
        code("pgleash log"));
    observe.language = "sh";
    observe.text = fmt::format(
        "cat > plan-policy.toml <<'END_OF_POLICY'\n{}END_OF_POLICY\n"
        "pgleash policy test plan-policy.toml\n"
        "pgleash policy apply plan-policy.toml\n",
        policy_toml(party, policy));
    observe.risk = "none while its mode is observe";
    observe.undo = fmt::format(
        "{}, in the database of the policies (setting {})",
        code("DELETE FROM leash.policies WHERE name = " + sql_literal(cut_name(policy.name)), 200),
        code("pg_leash.database"));

    Fix enforce;
    enforce.when = When::kDay;
    enforce.what = "When the log of a day holds nobody that should live, let it act.";
    enforce.language = "sql";
    enforce.text = fmt::format(
        "UPDATE leash.policies SET mode = 'enforce' WHERE name = {};\n"
        "ALTER SYSTEM SET pg_leash.reaping = 'enforce';\n"
        "SELECT pg_reload_conf();\n",
        sql_literal(cut_name(policy.name)));
    enforce.risk =
        "other policies whose mode is enforce act too; at most 60 sessions a minute "
        "are ended by this one";
    enforce.undo = code("ALTER SYSTEM SET pg_leash.reaping = 'observe'; SELECT pg_reload_conf();");
    return {observe, enforce};
}

std::vector<Fix> change_setting(const Situation& situation, std::string_view name,
                                const std::string& about, When when, const std::string& what) {
    const SettingAdvice* advice = situation.setting(name, about);
    if (advice == nullptr) {
        return {};
    }
    Fix fix;
    fix.when = when;
    fix.what = what + " It is " + advice->does + '.';
    fix.language = "sql";
    fix.text = advice->paste;
    fix.risk = advice->risk;
    fix.undo = advice->undo.empty() ? "none" : code(advice->undo, 300);
    return {fix};
}

std::vector<Fix> limit_pool(const PoolAdvice& advice) {
    std::vector<const Client*> chosen = guess_clients(advice.application_name);
    if (chosen.empty()) {
        chosen = find_clients("node-postgres");
    }
    std::vector<Fix> fixes;
    for (const Client* client : chosen) {
        Fix fix;
        fix.when = When::kDay;
        fix.what = fmt::format(
            "Limit the pool to {} for each of {}, if its client is {}; {} has the text for others.",
            advice.per_instance,
            advice.instances == 1 ? "its instances (one is seen)"
                                  : fmt::format("its {} instances", advice.instances),
            client->title, code("pgleash advise pools --for CLIENT"));
        fix.language = language_of(client->name);
        fix.text = paste_text(*client, advice);
        fix.risk = "at peaks requests wait in the pool instead of connecting";
        if (!client->note.empty()) {
            fix.risk += fmt::format("; {}", client->note);
        }
        fix.undo = "set the old size again";
        fixes.push_back(std::move(fix));
    }
    return fixes;
}

Fix put_pooler(const PoolAdvice& advice) {
    const Client& pooler = *find_clients("pgbouncer").front();
    Fix fix;
    fix.when = When::kDay;
    fix.what =
        "Where the application cannot be changed at once: put PgBouncer in between, and "
        "point its clients there.";
    fix.language = "ini";
    fix.text = paste_text(pooler, advice);
    fix.risk = std::string(pooler.note);
    fix.undo = "point the clients back at the server";
    return fix;
}

}  // namespace leash::tool::plan
