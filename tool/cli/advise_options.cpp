// The options of advise.
#include <algorithm>

#include <fmt/format.h>

#include "advice/clients.h"
#include "cli/command_words.h"
#include "cli/suggest.h"
#include "cli/values.h"
#include "core/glob.h"

namespace leash::tool {
namespace {

constexpr double kMostHeadroom = 10;

constexpr const char* kAllFooter = R"(
Pools, settings, and how many indexes slow statements lack. Each alone, with
more to choose from: "pgleash advise KIND". Nothing is run or changed.)";

constexpr const char* kPoolsFooter = R"(
For each application what was measured: L, the mean of connections in use, what
was in use at most for 99.9 % of the time, and the peak. From L follows
ceil(L + 2 sqrt L), in which about one request in twenty waits. The larger one
of that and the 99.9 %, with headroom, is shared by the instances, and cut where
all together exceed what the server has. Leaked sessions are taken out first.

Clients: {}.
Without --for, those that the application's name tells.

Exit status: 0, or 1 when no application has been measured for an hour.)";

constexpr const char* kSettingsFooter = R"(
Timeouts of PostgreSQL's own that would do instead of policies, and settings of
the server that contradict its load, with what was seen, the statement to paste,
its risk, and how to undo it. Only where what was seen speaks for it.)";

constexpr const char* kIndexesFooter = R"(
Where slow statements read all of a large table of this database to keep few of
its rows, the most costly first: what the server has seen and counted, and the
CREATE INDEX CONCURRENTLY to paste, with its risk. Nothing is run or changed.

With hypopg in the database (CREATE EXTENSION hypopg): what a query of that kind
costs the planner with and without the index, and how large it will be.
"no gain": the planner would hardly use it.

An index that is there already is named instead. Candidates are forgotten by
SELECT leash.reset('slow_statements').)";

// The names of all clients, in lines that fit the help.
std::string client_list(const char* separator) {
    constexpr std::size_t kWidth = 78;
    std::string out;
    std::size_t used = std::string_view("Clients:").size();
    for (const Client& client : clients()) {
        const bool fits = used + client.name.size() + 2 <= kWidth;
        out += out.empty() ? ""
               : fits      ? std::string(separator) + ' '
                           : std::string(separator) + '\n';
        used = (fits ? used : 0) + client.name.size() + 2;
        out += client.name;
    }
    return out;
}

void declare_snapshot(CLI::App* command, Arguments& arguments) {
    add_value(command, arguments, "from", "--from", "SNAPSHOT",
              "a file of snapshot save, instead of a server");
}

void declare_pool_options(CLI::App* command, Arguments& arguments) {
    add_value(command, arguments, "for", "--for", "CLIENT", "print what to paste for it");
    std::vector<std::string> names{"prisma"};
    for (const Client& client : clients()) {
        names.emplace_back(client.name);
    }
    arguments.offer("for", names);
    add_value(command, arguments, "app", "--app", "GLOB", "application name (* and ?)");
    add_value(command, arguments, "instances", "--instances", "N",
              "of each application (default: addresses seen)");
    add_value(command, arguments, "headroom", "--headroom", "R", "factor (default 1.25)");
    add_value(command, arguments, "cores", "--cores", "N", "of the server");
    add_flag(command, arguments, "rolling", "--rolling",
             "old and new instances run at once in a deploy");
    add_value(command, arguments, "cap", "--cap", "N",
              "connections to share (default: usable, less 3)");
    add_value(command, arguments, "per-request", "--per-request", "N",
              "connections that a request takes at once");
    add_value(command, arguments, "threads", "--threads", "N",
              "requests that an instance serves at once");
    add_flag(command, arguments, "force", "--force", "advise on less than an hour of data");
    declare_snapshot(command, arguments);
}

void declare_pools(CLI::App* command, Arguments& arguments) {
    declare_pool_options(command, arguments);
    set_footer(command, fmt::format(kPoolsFooter, client_list(",")));
}

void declare_all(CLI::App* command, Arguments& arguments) {
    declare_pool_options(command, arguments);
    set_footer(command, kAllFooter);
}

void declare_settings(CLI::App* command, Arguments& arguments) {
    declare_snapshot(command, arguments);
    set_footer(command, kSettingsFooter);
}

void declare_indexes(CLI::App* command, Arguments& arguments) {
    add_value(command, arguments, "limit", "--limit", "N", "at most N candidates (default 10)");
    set_footer(command, kIndexesFooter);
}

std::vector<const Client*> clients_value(const std::string& text) {
    std::vector<const Client*> found = find_clients(text);
    if (found.empty()) {
        refuse(fmt::format("unknown client \"{}\" for --for; it knows prisma, {}", text, [] {
            std::string list = client_list(",");
            std::replace(list.begin(), list.end(), '\n', ' ');
            return list;
        }()));
    }
    return found;
}

std::string glob_value(const std::string& text) {
    if (const GlobProblem problem = check_glob(text.c_str()); problem != GlobProblem::none) {
        refuse(fmt::format("invalid glob \"{}\" for --app: {}", text, describe(problem)));
    }
    return text;
}

void read_snapshot(Options& options, const Arguments& arguments) {
    options.snapshot = arguments.value("from").value_or("");
    if (arguments.given("from") && options.snapshot.empty()) {
        refuse("no file given for --from, such as before.json");
    }
}

void read_pools(Options& options, const Arguments& arguments) {
    PoolOptions& pools = options.pools;
    const auto count = [&](const char* name) -> std::optional<std::int64_t> {
        const auto text = arguments.value(name);
        return text ? std::optional(count_value(std::string("--") + name, *text)) : std::nullopt;
    };
    if (const auto text = arguments.value("for")) {
        options.clients = clients_value(*text);
    }
    if (const auto text = arguments.value("app")) {
        pools.app = glob_value(*text);
    }
    if (const auto text = arguments.value("headroom")) {
        pools.headroom = factor_value("--headroom", *text, kMostHeadroom);
    }
    pools.instances = count("instances");
    pools.cores = count("cores");
    pools.cap = count("cap");
    pools.per_request = count("per-request").value_or(1);
    pools.threads = count("threads").value_or(1);
    pools.rolling = arguments.given("rolling");
    pools.force = arguments.given("force");
    if (arguments.given("threads") && !arguments.given("per-request")) {
        refuse("--threads needs --per-request: requests that take one connection just wait");
    }
    read_snapshot(options, arguments);
}

void read_all(Options& options, const Arguments& arguments) {
    if (options.format == Format::kCsv) {
        refuse(
            "CSV is one table: choose \"advise pools\", \"advise settings\" or "
            "\"advise indexes\"");
    }
    read_pools(options, arguments);
}

void read_indexes(Options& options, const Arguments& arguments) {
    options.filters = read_filters(arguments);
}

constexpr CommandWord kCommands[] = {
    {Command::kAdvise, "advise", "what to change: pools, settings, indexes", declare_all, read_all},
    {Command::kAdvisePools, "advise pools", "how many connections each application needs",
     declare_pools, read_pools},
    {Command::kAdviseSettings, "advise settings",
     "timeouts that would do, settings that do not fit", declare_settings, read_snapshot},
    {Command::kAdviseIndexes, "advise indexes", "indexes that slow statements lack",
     declare_indexes, read_indexes},
};

}  // namespace

std::span<const CommandWord> advise_commands() {
    return kCommands;
}

}  // namespace leash::tool
