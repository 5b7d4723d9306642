#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "commands/commands.h"
#include "commands/filters.h"
#include "core/health.h"
#include "render/color.h"
#include "render/csv.h"
#include "render/json.h"
#include "render/text.h"

namespace leash::tool {
namespace {

// One screen of 24 lines has room for so many of each.
constexpr std::size_t kCausesShown = 3;
constexpr int kSlowShown = 3;
constexpr std::size_t kBarWidth = 24;

// The screen shows fewer columns than "pgleash leaks" and "pgleash slow".
constexpr Column kCauses[] = {
    {.name = "sessions", .kind = Kind::kCount, .header = "COUNT"},
    {.name = "kind", .kind = Kind::kState, .header = "WORST CAUSES"},
    {.name = "oldest", .kind = Kind::kDuration, .header = "OLDEST"},
    {.name = "weight", .header = "WEIGHT"},
    {.name = "application_name", .header = "APPLICATION", .min_width = 11},
    {.name = "cause",
     .kind = Kind::kQuery,
     .header = "OPENER",
     .min_width = 8,
     .expression = kCauseExpression,
     .table_only = true},
    {.name = "opener", .kind = Kind::kQuery},
    {.name = "last_statement", .kind = Kind::kQuery},
    {.name = "usename"},
    {.name = "datname"},
    {.name = "blocked_sessions", .kind = Kind::kCount},
    {.name = "leaked", .kind = Kind::kBoolean},
};

constexpr Column kSlowest[] = {
    {.name = "duration", .kind = Kind::kDuration, .header = "TOOK"},
    {.name = "finished_at", .kind = Kind::kInstant, .header = "AGO"},
    {.name = "application_name", .header = "APPLICATION", .min_width = 11},
    {.name = "query", .kind = Kind::kQuery, .header = "SLOWEST STATEMENTS", .min_width = 24},
    {.name = "usename"},
    {.name = "datname"},
    {.name = "query_id"},
};

constexpr Column kWorstSession[] = {{.name = "session_id"}};

struct Advice {
    std::string command;
    std::string why;
};

struct Status {
    Dataset connections;
    Dataset causes;  // leaked ones only, all of them
    Dataset slowest;
    long leaked = 0;
    long unused = 0;
    bool sees_all = true;  // else there may be more of them
    Cell worst_session;
    std::vector<Advice> advice;
};

long number(const Dataset& data, const Row& row, std::string_view name) {
    return std::strtol(cell_of(data, row, name).value_or("0").c_str(), nullptr, 10);
}

std::vector<Advice> advise(const Context& context, const Status& status) {
    const std::string call = "pgleash " + connection_arguments(context.options.connection);
    const std::string claim = context.server.agentless ? "--without-claim " : "";
    std::vector<Advice> advice;
    if (status.leaked > 0) {
        advice.push_back({call + "leaks", fmt::format("the {} leaked, by cause", status.leaked)});
    }
    if (status.worst_session) {
        advice.push_back(
            {call + "terminate " + claim + *status.worst_session, "ends the worst of them"});
    }
    if (status.leaked > 1) {
        advice.push_back({call + "terminate --leaked", "shows what ending all would end"});
    }
    if (status.leaked == 0 && status.unused > 0) {
        advice.push_back({call + "leaks", "sessions that nobody uses"});
    }
    if (!status.slowest.rows.empty() && advice.size() < 3) {
        advice.push_back({call + "slow --sort duration", "the slow statements"});
    }
    return advice;
}

Filters slowest_first() {
    Filters filters;
    filters.sort = Sort{sort_column(Listing::kSlow, "duration"), true};
    filters.limit = kSlowShown;
    return filters;
}

Status read_status(Context& context) {
    Source& source = context.source;
    Status status;
    status.connections = source.rows({Listing::kConnections});
    if (status.connections.rows.empty()) {
        throw Failure("leash.connections has no row; is pg_leash loaded? (\"pgleash doctor\")");
    }
    status.sees_all = !context.server.agentless ||
                      cell_of(status.connections, status.connections.rows[0], "idle").has_value();
    status.causes = source.rows({.listing = Listing::kLeakGroups, .columns = kCauses});
    std::erase_if(status.causes.rows, [&](const Row& row) {
        const long sessions = number(status.causes, row, "sessions");
        const bool leaked = cell_of(status.causes, row, "leaked") == "t";
        (leaked ? status.leaked : status.unused) += sessions;
        return !leaked;
    });
    if (status.leaked > 0) {
        Selection worst{.listing = Listing::kLeaks, .only_leaked = true, .columns = kWorstSession};
        worst.filters.limit = 1;
        const Dataset session = source.rows(worst);
        status.worst_session = session.rows.empty() ? std::nullopt : session.rows[0][0];
    }
    status.slowest = {kSlowest, {}};
    if (!context.server.agentless) {  // else they are not known
        status.slowest = source.rows(
            {.listing = Listing::kSlow, .filters = slowest_first(), .columns = kSlowest});
    }
    status.advice = advise(context, status);
    return status;
}

class Screen {
public:
    Screen(const Context& context, const Status& status)
        : context_(context),
          status_(status),
          style_(table_style(context)),
          row_(status.connections.rows.front()) {
        style_.indent = "  ";
    }

    std::string text() {
        add_server();
        add_connections();
        add_tables();
        add_advice();
        return std::move(out_);
    }

private:
    long count(std::string_view name) const { return number(status_.connections, row_, name); }

    std::string shown(std::string_view name) const {
        return cell_of(status_.connections, row_, name).value_or("?");
    }

    // Of sessions that may all be seen, or not.
    std::string seen(long sessions) const {
        return status_.sees_all ? std::to_string(sessions)
               : sessions == 0  ? "?"
                                : fmt::format("at least {}", sessions);
    }

    std::string paint(std::string_view text, Paint paint) const {
        return context_.terminal.color ? painted(text, paint) : std::string(text);
    }

    void line(const std::string& text) {
        out_ += style_.width == 0 ? text : shorten(text, style_.width, style_.ascii_only);
        out_ += '\n';
    }

    std::string ago(std::string_view name) const {
        const Cell instant = cell_of(status_.connections, row_, name);
        if (!instant) {
            return {};
        }
        return table_cell({.name = "", .kind = Kind::kInstant}, instant, style_) + " ago";
    }

    void add_server() {
        const ServerInfo& server = context_.server;
        const std::string extension =
            server.agentless
                ? ""
                : fmt::format("pg_leash {} on ", server.extension_version.value_or("?"));
        line(printable(fmt::format("{}PostgreSQL {}, {}:{}, {}{}", extension, server.version,
                                   server.host, server.port,
                                   server.over_control_socket ? "over the worker's socket"
                                                              : "database " + server.database,
                                   server.agentless ? ", without pg_leash" : ""),
                       {.ascii_only = style_.ascii_only}));
        out_ += '\n';
    }

    void add_connections() {
        const long limit = count("max_connections");
        const long used = count("used");
        const double share = limit > 0 ? static_cast<double>(used) / static_cast<double>(limit) : 0;
        const auto filled = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * kBarWidth);
        const std::string bar = std::string(filled, '#') + std::string(kBarWidth - filled, '.');
        const Health health = judge_value(share, kConnectionLimits);
        const Paint level = health == Health::critical  ? Paint::kBad
                            : health == Health::warning ? Paint::kWaiting
                                                        : Paint::kActive;
        // Composed of short parts only: it cannot exceed 80 columns.
        out_ +=
            fmt::format("Connections  {} of {} used [{}] {:.0f} %, {} free, {} reserved\n", used,
                        limit, paint(bar, level), share * 100, count("free"), count("reserved"));
        line(fmt::format("  active {}   idle {}   idle in transaction {}   authenticating {}",
                         shown("active"), shown("idle"), shown("idle_in_transaction"),
                         shown("authenticating")));
        const std::string leaked =
            fmt::format("  leaked {}   unused {}", seen(status_.leaked), seen(status_.unused));
        line(status_.leaked > 0 ? paint(leaked, Paint::kBad) : leaked);
        const std::string peak_ago = ago("peak_at");
        const std::string refused_ago = ago("refused_last_at");
        line(fmt::format("  peak {}{}   refused {}{}", shown("peak_used"),
                         peak_ago.empty() ? "" : " (" + peak_ago + ")", shown("refused_total"),
                         refused_ago.empty() ? "" : " (last " + refused_ago + ")"));
        out_ += '\n';
    }

    void add_tables() {
        Dataset top = status_.causes;
        const std::size_t more =
            top.rows.size() > kCausesShown ? top.rows.size() - kCausesShown : 0;
        top.rows.resize(top.rows.size() - more);
        if (top.rows.empty()) {
            line(status_.sees_all ? "No leaked sessions."
                                  : "No leaked sessions among those that may be seen.");
        }
        out_ += render_table(top, style_);
        if (more > 0) {
            line(fmt::format("  and {} more cause{}", more, more == 1 ? "" : "s"));
        }
        out_ += '\n';
        if (context_.server.agentless) {
            line("Slow statements are not known one by one (pgleash slow --summary).");
        } else if (status_.slowest.rows.empty()) {
            line("No slow statements.");
        }
        out_ += render_table(status_.slowest, style_);
        out_ += '\n';
    }

    void add_advice() {
        if (status_.advice.empty()) {
            line(status_.sees_all ? "Nothing to do." : "Nothing to do about what may be seen.");
            return;
        }
        line(paint("What to do next", Paint::kBold));
        std::size_t widest = 0;
        for (const Advice& advice : status_.advice) {
            widest = std::max(widest, display_width(advice.command));
        }
        for (const Advice& advice : status_.advice) {
            // A command that is cut cannot be copied: the explanation gives way.
            const std::string with_reason =
                fmt::format("  {:<{}}  # {}", advice.command, widest, advice.why);
            const bool fits = style_.width == 0 || display_width(with_reason) <= style_.width;
            out_ += fits ? with_reason : "  " + advice.command;
            out_ += '\n';
        }
    }

    const Context& context_;
    const Status& status_;
    TableStyle style_;
    const Row& row_;
    std::string out_;
};

nlohmann::ordered_json advice_json(const std::vector<Advice>& advice) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const Advice& item : advice) {
        list.push_back({{"command", item.command}, {"why", item.why}});
    }
    return list;
}

std::string status_json(const Context& context, const Status& status) {
    nlohmann::ordered_json document = json_head(context, "status");
    document["connections"] = json_row(status.connections, status.connections.rows.front());
    const auto seen = [&](long sessions) {
        return status.sees_all ? nlohmann::ordered_json(sessions) : nlohmann::ordered_json(nullptr);
    };
    document["leaked"] = seen(status.leaked);
    document["unused"] = seen(status.unused);
    document["leak_groups"] = json_rows(status.causes);
    document["slowest_statements"] =
        context.server.agentless ? nlohmann::ordered_json(nullptr) : json_rows(status.slowest);
    document["next"] = advice_json(status.advice);
    return json_text(document, context.options.watch_seconds.has_value());
}

}  // namespace

int run_status(Context& context) {
    show_frames(context, [&] {
        const Status status = read_status(context);
        switch (context.options.format) {
            case Format::kJson:
                return status_json(context, status);
            case Format::kCsv:
                return render_csv(status.connections, context.terminal.is_terminal);
            case Format::kTable:
                break;
        }
        return Screen(context, status).text();
    });
    return kExitDone;
}

}  // namespace leash::tool
