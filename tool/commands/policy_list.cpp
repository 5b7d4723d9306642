// policy list and show.
#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/suggest.h"
#include "commands/policy.h"
#include "core/policy.h"
#include "policy/store.h"
#include "policy/toml.h"
#include "policy/words.h"

namespace leash::tool {
namespace {

// The first ones are for people; then every column of leash.policies, by its name.
constexpr Column kColumns[] = {
    {.name = "priority", .kind = Kind::kCount, .header = "PRIO"},
    {.name = "name", .header = "NAME", .min_width = 16},
    {.name = "now", .header = "MODE", .table_only = true},
    {.name = "action", .header = "ACTION"},
    {.name = "age", .header = "AGE", .min_width = 8, .table_only = true},
    {.name = "matches", .header = "MATCHES", .min_width = 20, .table_only = true},
    {.name = "mode"},
    {.name = "enabled", .kind = Kind::kBoolean},
    {.name = "in_force"},
    {.name = "roles", .kind = Kind::kJson},
    {.name = "databases", .kind = Kind::kJson},
    {.name = "applications", .kind = Kind::kJson},
    {.name = "addresses", .kind = Kind::kJson},
    {.name = "kinds", .kind = Kind::kJson},
    {.name = "states", .kind = Kind::kJson},
    {.name = "idle_for", .kind = Kind::kDuration},
    {.name = "unused_for", .kind = Kind::kDuration},
    {.name = "xact_for", .kind = Kind::kDuration},
    {.name = "statement_for", .kind = Kind::kDuration},
    {.name = "learned", .kind = Kind::kBoolean},
    {.name = "pressure_above", .kind = Kind::kReal},
    {.name = "pressure_below", .kind = Kind::kReal},
    {.name = "blocks_others", .kind = Kind::kBoolean},
    {.name = "holds_xmin", .kind = Kind::kBoolean},
    {.name = "peer_gone", .kind = Kind::kBoolean},
    {.name = "grace", .kind = Kind::kDuration},
    {.name = "keep", .kind = Kind::kCount},
    {.name = "max_per_minute", .kind = Kind::kCount},
    {.name = "include_superusers", .kind = Kind::kBoolean},
    {.name = "include_listeners", .kind = Kind::kBoolean},
    {.name = "include_lock_holders", .kind = Kind::kBoolean},
    {.name = "comment", .kind = Kind::kQuery},
};

// What bounds all policies, and what the worker goes by.
struct Worker {
    std::string reaping;  // off, observe, enforce
    bool running = false;
    std::string error;                         // why the table could not be read
    std::map<std::string, std::string> modes;  // by name, as pg_leash.reaping bounds them
};

Worker read_worker(Connection& connection) {
    Worker worker;
    worker.reaping = connection.run("SELECT pg_catalog.current_setting('pg_leash.reaping', true)")
                         .value(0, 0)
                         .value_or(name_of(Mode::off));
    const Result result = connection.run("SELECT running, policies_error FROM leash.worker");
    if (result.rows() > 0) {
        worker.running = result.value(0, 0) == "t";
        worker.error = result.value(0, 1).value_or("");
    }
    const Result policies = connection.run("SELECT name, mode FROM leash.policies_in_force");
    for (int r = 0; r < policies.rows(); ++r) {
        worker.modes[policies.value(r, 0).value_or("")] = policies.value(r, 1).value_or("");
    }
    return worker;
}

std::string in_force(const PolicyRow& policy, const Worker& worker) {
    const auto found = worker.modes.find(policy.name);
    if (found == worker.modes.end() || worker.reaping == name_of(Mode::off) || !worker.running) {
        return name_of(Mode::off);
    }
    return found->second;
}

// For people: the mode, and whether that is what happens.
std::string mode_now(const PolicyRow& policy, const Worker& worker) {
    const std::string mode = text_of(policy, "mode");
    const std::string now = in_force(policy, worker);
    if (!is_true(policy, "enabled")) {
        return "disabled";
    }
    return now == mode ? mode : mode + '*';
}

// Why a mode is marked.
void report(const Worker& worker, std::span<const PolicyRow> policies) {
    if (!worker.running) {
        write_warning(
            "* the worker of pg_leash does not run: no policy is in force (\"pgleash doctor\")");
        return;
    }
    if (!worker.error.empty()) {
        write_warning(
            fmt::format("the worker could not read the policies and goes on with those "
                        "it had before: {}",
                        worker.error));
    }
    if (worker.reaping == name_of(Mode::off)) {
        write_note("* pg_leash.reaping is off: no policy is in force");
        return;
    }
    bool bounded = false;
    bool unread = false;
    for (const PolicyRow& policy : policies) {
        const std::string now = in_force(policy, worker);
        unread = unread || (is_true(policy, "enabled") && now == name_of(Mode::off));
        bounded = bounded || (now == name_of(Mode::observe) && now != text_of(policy, "mode"));
    }
    if (bounded && worker.reaping == name_of(Mode::observe)) {
        write_note("* pg_leash.reaping is observe: these policies only observe");
    }
    if (unread) {
        write_note("* the worker has not read this yet");
    }
}

Cell cell_for(const PolicyValue& value) {
    struct Writer {
        Cell operator()(std::monostate) const { return std::nullopt; }
        Cell operator()(const std::string& text) const { return text; }
        Cell operator()(std::int64_t number) const { return std::to_string(number); }
        Cell operator()(double number) const { return fmt::format("{}", number); }
        Cell operator()(bool truth) const { return truth ? "t" : "f"; }
        Cell operator()(Microseconds us) const {
            return fmt::format("{}.{:06}", us.value / 1'000'000, us.value % 1'000'000);
        }
        Cell operator()(const std::vector<std::string>& items) const {
            return nlohmann::json(items).dump(-1, ' ', false,
                                              nlohmann::json::error_handler_t::replace);
        }
    };
    return std::visit(Writer{}, value);
}

Dataset dataset_of(std::span<const PolicyRow> policies, const Worker& worker) {
    Dataset data{kColumns, {}};
    for (const PolicyRow& policy : policies) {
        Row& row = data.rows.emplace_back();
        for (const Column& column : kColumns) {
            const std::string_view name = column.name;
            if (name == "name") {
                row.emplace_back(policy.name);
            } else if (name == "matches") {
                row.emplace_back(matches_words(policy));
            } else if (name == "age") {
                row.emplace_back(age_words(policy));
            } else if (name == "now") {
                row.emplace_back(mode_now(policy, worker));
            } else if (name == "in_force") {
                row.emplace_back(in_force(policy, worker));
            } else {
                row.push_back(cell_for(policy[name]));
            }
        }
    }
    return data;
}

std::vector<PolicyRow> chosen(const std::vector<PolicyRow>& policies,
                              const std::vector<std::string>& names) {
    if (names.empty()) {
        return policies;
    }
    std::vector<std::string> known;
    for (const PolicyRow& policy : policies) {
        known.push_back(policy.name);
    }
    std::vector<PolicyRow> out;
    for (const std::string& name : names) {
        const auto found = std::find(known.begin(), known.end(), name);
        if (found == known.end()) {
            const std::string guess = closest_word(name, known);
            throw Failure(fmt::format("there is no policy \"{}\"; {}", name,
                                      guess.empty() ? "\"pgleash policy list\" lists them"
                                                    : fmt::format("did you mean \"{}\"?", guess)));
        }
        out.push_back(policies[static_cast<std::size_t>(found - known.begin())]);
    }
    return out;
}

}  // namespace

int run_policy_list(Context& context) {
    Connection& connection = context.source.connection();
    const std::vector<PolicyRow> policies = read_policies(connection);
    const Worker worker = read_worker(connection);
    write_output(render(context, "policy list", dataset_of(policies, worker)));
    if (policies.empty()) {
        write_note("there is no policy; \"pgleash policy apply FILE\" makes some");
        return kExitDone;
    }
    report(worker, policies);
    return kExitDone;
}

int run_policy_show(Context& context) {
    Connection& connection = context.source.connection();
    const std::vector<PolicyRow> policies =
        chosen(read_policies(connection), context.options.policies);
    if (context.options.format == Format::kTable) {
        write_output(policies_toml(policies));
        return kExitDone;
    }
    write_output(render(context, "policy show", dataset_of(policies, read_worker(connection))));
    return kExitDone;
}

}  // namespace leash::tool
