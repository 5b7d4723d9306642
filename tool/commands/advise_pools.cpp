// Advice on pools as a table with notes, and as rows.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "advice/pool_notes.h"
#include "commands/advice_text.h"
#include "render/color.h"
#include "render/json.h"
#include "render/labelled.h"
#include "render/text.h"

namespace leash::tool {
namespace {

using nlohmann::ordered_json;

constexpr Column kColumns[] = {
    {.name = "application_name", .header = "APPLICATION", .min_width = 11},
    {.name = "usename", .header = "USER", .min_width = 8, .drop_rank = 3},
    {.name = "datname", .header = "DATABASE", .min_width = 8, .drop_rank = 4},
    {.name = "known_for", .kind = Kind::kDuration},
    {.name = "sessions", .kind = Kind::kCount, .header = "HELD"},
    {.name = "sessions_peak", .kind = Kind::kCount},
    {.name = "in_use_mean", .kind = Kind::kReal},
    {.name = "leaked_level", .kind = Kind::kReal},
    {.name = "level", .kind = Kind::kReal, .header = "L"},
    {.name = "formula", .kind = Kind::kCount, .header = "FORMULA"},
    {.name = "in_use_p999", .kind = Kind::kCount},
    {.name = "p999", .kind = Kind::kCount, .header = "P99.9"},
    {.name = "in_use_peak", .kind = Kind::kCount, .header = "PEAK", .drop_rank = 2},
    {.name = "busy_mean", .kind = Kind::kReal},
    {.name = "busy_p999", .kind = Kind::kCount},
    {.name = "statements", .kind = Kind::kCount},
    {.name = "addresses", .kind = Kind::kCount},
    {.name = "need", .kind = Kind::kCount, .header = "NEED"},
    {.name = "with_headroom", .kind = Kind::kCount},
    {.name = "pool", .header = "POOL", .table_only = true},
    {.name = "instances", .kind = Kind::kCount},
    {.name = "wanted_per_instance", .kind = Kind::kCount},
    {.name = "per_instance", .kind = Kind::kCount},
    {.name = "connections", .kind = Kind::kCount},
    {.name = "role_connections", .kind = Kind::kCount},
    {.name = "pooler_size", .kind = Kind::kCount},
    {.name = "capped", .kind = Kind::kBoolean},
    {.name = "measured", .kind = Kind::kBoolean},
    {.name = "collecting", .kind = Kind::kBoolean},
    {.name = "trust", .header = "CONFIDENCE", .table_only = true},
    {.name = "confidence"},
    {.name = "confidence_reason"},
    {.name = "notes", .kind = Kind::kJson},
    {.name = "paste", .kind = Kind::kJson},
};

Cell number(std::int64_t value) {
    return std::to_string(value);
}

Cell number(const std::optional<std::int64_t>& value) {
    return value ? number(*value) : Cell();
}

Cell real(double value) {
    return fmt::format("{:.2f}", value);
}

Cell real(const std::optional<double>& value) {
    return value ? real(*value) : Cell();
}

Cell boolean(bool value) {
    return value ? "t" : "f";
}

std::vector<const Client*> clients_of(const PoolAdvice& pool,
                                      const std::vector<const Client*>& chosen) {
    if (!pool.advised()) {
        return {};
    }
    return chosen.empty() ? guess_clients(pool.application_name) : chosen;
}

ordered_json paste_json(const PoolAdvice& pool, const std::vector<const Client*>& chosen) {
    ordered_json list = ordered_json::array();
    for (const Client* client : clients_of(pool, chosen)) {
        list.push_back({{"client", client->name},
                        {"text", paste_text(*client, pool)},
                        {"note", client->note}});
    }
    return list;
}

std::string pool_text(const PoolAdvice& pool) {
    if (!pool.advised()) {
        return {};
    }
    return pool.instances == 1 ? std::to_string(pool.per_instance)
                               : fmt::format("{} x {}", pool.instances, pool.per_instance);
}

std::string trust_text(const PoolAdvice& pool) {
    if (!pool.measured) {
        return "not measured";
    }
    return fmt::format("{}, {}", pool.advised() ? name_of(pool.confidence) : "collecting",
                       about_text(pool.known_for));
}

Row row_of(const PoolAdvice& pool, const std::vector<const Client*>& chosen) {
    const auto advised = [&](std::int64_t value) {
        return pool.advised() ? number(value) : Cell();
    };
    const auto measured = [&](Cell value) { return pool.measured ? std::move(value) : Cell(); };
    return {pool.application_name,
            pool.usename,
            pool.datname,
            fmt::format("{:.6f}", pool.known_for.value),
            number(pool.sessions),
            number(pool.sessions_peak),
            real(pool.in_use_mean),
            measured(real(pool.leaked_level)),
            measured(real(pool.level)),
            advised(pool.formula),
            number(pool.in_use_p999),
            measured(number(pool.p999)),
            number(pool.in_use_peak),
            real(pool.busy_mean),
            number(pool.busy_p999),
            number(pool.statements),
            number(pool.addresses),
            advised(pool.need),
            advised(pool.with_headroom),
            pool_text(pool),
            advised(pool.instances),
            advised(pool.wanted_per_instance),
            advised(pool.per_instance),
            advised(pool.connections),
            advised(pool.role_connections),
            advised(pool.pooler_size),
            boolean(pool.capped),
            boolean(pool.measured),
            boolean(pool.collecting),
            trust_text(pool),
            name_of(pool.confidence),
            pool.confidence_reason,
            ordered_json(pool.notes).dump(),
            paste_json(pool, chosen).dump(-1, ' ', false, ordered_json::error_handler_t::replace)};
}

class PoolsText {
public:
    PoolsText(const PoolPlan& plan, const std::vector<const Client*>& chosen,
              const PoolOptions& options, const TableStyle& style)
        : plan_(plan), chosen_(chosen), options_(options), style_(style) {}

    std::string text() {
        out_ = render_table(pool_rows(plan_, chosen_), style_);
        if (plan_.any_advised()) {
            legend();
        }
        notes();
        paste();
        return std::move(out_);
    }

private:
    std::string shown(const std::string& text) const {
        return printable(text, {.collapse_space = true, .ascii_only = style_.ascii_only});
    }

    // As few of its names as tell it from the others.
    std::string name_of_pool(const PoolAdvice& pool) const {
        const auto same =
            std::count_if(plan_.pools.begin(), plan_.pools.end(), [&](const PoolAdvice& other) {
                return other.application_name == pool.application_name;
            });
        const std::string name =
            pool.application_name.empty() ? "(no name)" : pool.application_name;
        return shown(same == 1 ? name
                               : fmt::format("{} of {} in {}", name, pool.usename, pool.datname));
    }

    void legend() {
        out_ += "\n";
        out_ += wrapped(
            fmt::format("HELD counts its sessions now, L is the mean of those in use, FORMULA "
                        "ceil(L + 2 sqrt L), "
                        "P99.9 what was in use at most for 99.9 % of the time. NEED is "
                        "the larger of these two, POOL that x {:g}{}.",
                        options_.headroom,
                        options_.instances.value_or(2) == 1 ? "" : ", shared by the instances"),
            style_.width);
        out_ +=
            wrapped(fmt::format("Together the pools take {}{} of {} that there are to share; "
                                "their applications hold {} now.",
                                plan_.connections, options_.rolling ? ", in a rolling deploy," : "",
                                plan_.limit, plan_.sessions),
                    style_.width);
    }

    void notes() {
        std::string text;
        const auto add = [&](const std::string& note) {
            text += bullet(shown(note), style_.width);
        };
        for (const std::string& note : plan_.notes) {
            add(note);
        }
        for (const PoolAdvice& pool : plan_.pools) {
            if (pool.advised() && pool.confidence != Confidence::kHigh) {
                add(fmt::format("{}: confidence is {}: {}", name_of_pool(pool),
                                name_of(pool.confidence), pool.confidence_reason));
            }
            for (const std::string& note : pool.notes) {
                add(fmt::format("{}: {}", name_of_pool(pool), note));
            }
        }
        out_ += text.empty() ? "" : "\n" + text;
    }

    // What several pools have in common, as a role's limit, once.
    void paste() {
        std::set<std::string> seen;
        for (const PoolAdvice& pool : plan_.pools) {
            for (const Client* client : clients_of(pool, chosen_)) {
                const std::string text = paste_text(*client, pool);
                if (!seen.insert(text).second) {
                    continue;
                }
                const std::string heading =
                    fmt::format("{}, for {}", name_of_pool(pool), client->title);
                out_ += "\n" + (style_.color ? painted(heading, Paint::kBold) : heading) + "\n";
                out_ += labelled_lines("paste", text);
                out_ += client->note.empty()
                            ? ""
                            : labelled("note", std::string(client->note), style_.width);
            }
        }
    }

    const PoolPlan& plan_;
    const std::vector<const Client*>& chosen_;
    const PoolOptions& options_;
    const TableStyle& style_;
    std::string out_;
};

}  // namespace

Dataset pool_rows(const PoolPlan& plan, const std::vector<const Client*>& chosen) {
    Dataset data{kColumns, {}};
    for (const PoolAdvice& pool : plan.pools) {
        data.rows.push_back(row_of(pool, chosen));
    }
    return data;
}

ordered_json pools_json(const PoolPlan& plan, const std::vector<const Client*>& chosen) {
    ordered_json object;
    object["limit"] = plan.limit;
    object["wanted"] = plan.wanted;
    object["connections"] = plan.connections;
    object["sessions"] = plan.sessions;
    object["over"] = plan.over;
    object["pooler"] = plan.pooler;
    object["parallelism"] =
        plan.parallelism ? ordered_json(*plan.parallelism) : ordered_json(nullptr);
    object["busy"] = plan.busy;
    object["notes"] = plan.notes;
    object["rows"] = json_rows(pool_rows(plan, chosen));
    return object;
}

std::string pools_text(const PoolPlan& plan, const std::vector<const Client*>& chosen,
                       const PoolOptions& options, const TableStyle& style) {
    return PoolsText(plan, chosen, options, style).text();
}

}  // namespace leash::tool
