// The top of a report: which server, its key numbers, what they say.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "report/html_table.h"
#include "report/numbers.h"
#include "report/sections.h"

namespace leash::tool {
namespace {

Html tile(const std::string& name, const std::string& value, const std::string& more) {
    Html out;
    out << R"(<div class="tile"><dt>)" << name << R"(</dt><dd><b>)" << value << "</b> <small>"
        << more << "</small></dd></div>";
    return out;
}

struct Used {
    std::int64_t peak = 0;
    std::string when;
};

Used most_used(const Evidence& evidence, const Timeline& timeline) {
    if (!timeline.empty()) {
        return {timeline.peak().facts.used_peak, minute_text(timeline.peak().begin)};
    }
    const ConnectionFacts& c = evidence.connections;
    if (c.peak_used) {
        return {*c.peak_used, c.peak_at ? minute_text(minute_of(*c.peak_at)) : ""};
    }
    return {c.used, "now"};
}

std::string of_limit(std::int64_t used, std::int64_t limit) {
    return limit <= 0
               ? std::string()
               : fmt::format("of {} ({})", count_text(limit),
                             percent_text(static_cast<double>(used) / static_cast<double>(limit)));
}

// --- sentences -----------------------------------------------------------------

class Sentences {
public:
    /// The worse, the further in front.
    void say(int harm, const std::string& words) { all_.push_back({harm, words}); }

    Html list() {
        std::stable_sort(all_.begin(), all_.end(),
                         [](const auto& a, const auto& b) { return a.harm > b.harm; });
        Html out;
        for (const Sentence& sentence : all_) {
            out << "<li>" << sentence.words << "</li>";
        }
        return out;
    }

private:
    struct Sentence {
        int harm;
        std::string words;
    };
    std::vector<Sentence> all_;
};

std::string named(const std::string& application) {
    return cut(application_text(application), 60);
}

void say_connections(Sentences& out, const Evidence& evidence, const Timeline& timeline) {
    const std::int64_t limit = evidence.connections.max_connections;
    const Used used = most_used(evidence, timeline);
    const std::int64_t refused = timeline.empty()
                                     ? evidence.connections.refused_too_many_clients.value_or(0)
                                     : timeline.total().facts.refused;
    if (refused > 0) {
        out.say(9,
                fmt::format("{} refused because no slot was free.",
                            number_of(refused, "connection") + (refused == 1 ? " was" : " were")));
    }
    if (limit > 0 && used.peak * 10 >= limit * 8) {
        out.say(8, fmt::format("Connections came to {} of {} ({}).", count_text(used.peak),
                               count_text(limit), used.when));
    }
}

void say_leaks(Sentences& out, const Evidence& evidence) {
    const auto worst = std::find_if(evidence.causes.begin(), evidence.causes.end(),
                                    [](const CauseFacts& cause) { return cause.leaked; });
    if (worst == evidence.causes.end()) {
        return;
    }
    const std::int64_t leaked = leaked_sessions(evidence);
    std::string words =
        fmt::format("{} leaked now; the worst cause: {}, {} of {}",
                    number_of(leaked, "session") + (leaked == 1 ? " is" : " are"), worst->kind,
                    number_of(worst->sessions, "session"), named(worst->application_name));
    if (worst->blocked_sessions > 0) {
        words += fmt::format(", blocking {}", number_of(worst->blocked_sessions, "other"));
    }
    out.say(worst->blocked_sessions > 0 ? 10 : 7, words + ".");
}

void say_waste(Sentences& out, const Evidence& evidence) {
    const ApplicationFacts* most = nullptr;
    for (const ApplicationFacts& application : evidence.applications) {
        const auto waste = waste_of(application).value_or(0);
        if (waste >= 5 && (most == nullptr || waste > *waste_of(*most))) {
            most = &application;
        }
    }
    if (most != nullptr) {
        out.say(5, fmt::format("{} holds {}; 99.9 % of the time it has {} in use.",
                               named(most->application_name), number_of(most->sessions, "session"),
                               *most->in_use_p999 == 0
                                   ? std::string("none")
                                   : "no more than " + count_text(*most->in_use_p999)));
    }
}

void say_work(Sentences& out, const Evidence& evidence, const Timeline& timeline) {
    const auto hit = timeline.total().facts.cache_hit_ratio;
    if (hit && *hit < 0.9) {
        out.say(6, fmt::format("Only {} of the blocks asked for were in shared buffers.",
                               percent_text(*hit)));
    }
    const auto costly = std::max_element(
        evidence.slow.begin(), evidence.slow.end(),
        [](const SlowFacts& a, const SlowFacts& b) { return a.total_time < b.total_time; });
    if (costly != evidence.slow.end()) {
        out.say(4, fmt::format("The most costly slow statement took {} in all, {} a call: {}",
                               length_text(costly->total_time), length_text(costly->mean_time),
                               cut(costly->query, 90)));
    }
    if (!evidence.orphans.empty()) {
        out.say(7,
                fmt::format("{} without a session: prepared transactions or inactive slots.",
                            number_of(static_cast<std::int64_t>(evidence.orphans.size()), "leak")));
    }
}

void say_compute(Sentences& out, const Evidence& evidence) {
    const ComputeFacts* whole = whole_server(evidence);
    const ComputeFacts* most = nullptr;
    for (const ComputeFacts& row : evidence.compute) {
        if (row.application_name && (most == nullptr || row.alone_hours > most->alone_hours)) {
            most = &row;
        }
    }
    if (whole != nullptr && most != nullptr && most->alone_hours >= 1) {
        out.say(3,
                fmt::format(
                    "The server was kept awake for {} hours of the week, {} of them by {} alone.",
                    amount_text(whole->compute_hours), amount_text(most->alone_hours),
                    named(*most->application_name)));
    }
}

Html checks_tile(const Evidence& evidence) {
    std::int64_t critical = 0;
    std::int64_t warning = 0;
    for (const CheckFacts& check : evidence.checks) {
        critical += check.status == "critical" ? 1 : 0;
        warning += check.status != "critical" && check.status != "ok" ? 1 : 0;
    }
    const auto all = static_cast<std::int64_t>(evidence.checks.size());
    if (critical > 0) {
        return tile("Checks", "critical",
                    fmt::format("{} of {}, {} warning", critical, all, warning));
    }
    return warning > 0 ? tile("Checks", "warning", fmt::format("{} of {}", warning, all))
                       : tile("Checks", "ok", fmt::format("all {}", all));
}

}  // namespace

std::string address_of(const ServerFacts& server) {
    if (server.host.empty()) {
        return server.port.empty() ? "server" : "port " + server.port;
    }
    return server.host.starts_with('/') ? fmt::format("{} port {}", server.host, server.port)
                                        : fmt::format("{}:{}", server.host, server.port);
}

Html who(const std::string& usename, const std::string& datname) {
    Html out;
    if (!usename.empty() || !datname.empty()) {
        out << R"( <small class="who">)" << cut(usename, 63) << " @ " << cut(datname, 63)
            << "</small>";
    }
    return out;
}

std::string application_text(const std::string& name) {
    return name.empty() ? "(no name)" : name;
}

std::int64_t leaked_sessions(const Evidence& evidence) {
    std::int64_t sum = 0;
    for (const CauseFacts& cause : evidence.causes) {
        sum += cause.leaked ? cause.sessions : 0;
    }
    return sum;
}

std::optional<std::int64_t> waste_of(const ApplicationFacts& application) {
    if (!application.in_use_p999) {
        return std::nullopt;
    }
    return std::max<std::int64_t>(0, application.sessions - *application.in_use_p999);
}

const ComputeFacts* whole_server(const Evidence& evidence) {
    const auto at = std::find_if(evidence.compute.begin(), evidence.compute.end(),
                                 [](const ComputeFacts& row) { return !row.application_name; });
    return at == evidence.compute.end() ? nullptr : &*at;
}

Html server_line(const Evidence& evidence, const Timeline& timeline) {
    const ServerFacts& server = evidence.server;
    Html out;
    out << R"(<p class="server">)" << address_of(server);
    if (!server.version.empty()) {
        out << " · PostgreSQL " << server.version;
    }
    out << (server.extension_version ? " · pg_leash " + *server.extension_version
                                     : std::string(" · without pg_leash"));
    out << (server.in_recovery ? Markup(" · standby") : Markup("")) << " · up since "
        << moment_text(server.started_at) << "</p>";
    out << R"(<p class="server">)";
    if (timeline.empty()) {
        out << "As of " << moment_text(server.now) << " UTC.";
    } else {
        const Span span = timeline.span();
        out << minute_text(span.begin) << " to " << moment_text(Instant{span.end * 60'000'000})
            << " (" << length_text(Seconds{static_cast<double>(span.minutes()) * 60})
            << "). All times are UTC.";
    }
    out << "</p>";
    if (!evidence.missing.empty()) {
        out << R"(<p class="server">The snapshot is of another pgleash, and lacks )"
            << fmt::format("{}", fmt::join(evidence.missing, ", "))
            << ": what follows from that is not known.</p>";
    }
    return out;
}

Html key_numbers(const Evidence& evidence, const Timeline& timeline) {
    const Bucket total = timeline.total();
    const Used used = most_used(evidence, timeline);
    const bool minutes = !timeline.empty();
    Html out;
    out << R"(<dl class="tiles">)"
        << tile("Most connections", count_text(used.peak),
                of_limit(used.peak, evidence.connections.max_connections))
        << tile("Refused",
                minutes ? count_text(total.facts.refused)
                        : known_count(evidence.connections.refused_total),
                minutes ? "for lack of a slot" : "since the statistics began")
        << tile("Leaked now", count_text(leaked_sessions(evidence)),
                minutes ? fmt::format("at most {}", count_text(total.facts.leaked)) : "sessions")
        << tile("Cache hits", known_percent(total.facts.cache_hit_ratio), "of blocks");
    out << tile("Slow statements",
                minutes ? count_text(total.facts.slow)
                        : known_count(evidence.connections.slow_statements_total),
                minutes && total.facts.statements > 0
                    ? percent_text(static_cast<double>(total.facts.slow) /
                                   static_cast<double>(total.facts.statements)) +
                          " of all"
                    : std::string());
    if (const ComputeFacts* whole = whole_server(evidence)) {
        out << tile("Compute hours", amount_text(whole->compute_hours), "in the last week");
    }
    if (!evidence.checks.empty()) {
        out << checks_tile(evidence);
    }
    out << "</dl>";
    return out;
}

Html in_short(const Evidence& evidence, const Timeline& timeline) {
    Sentences sentences;
    say_connections(sentences, evidence, timeline);
    say_leaks(sentences, evidence);
    say_waste(sentences, evidence);
    say_work(sentences, evidence, timeline);
    say_compute(sentences, evidence);
    Html list = sentences.list();
    Html out;
    out << R"(<section id="in-short"><h2>In short</h2>)";
    if (list.empty()) {
        out << "<p>Nothing stood out: no leak, no refusal, no slow statement.</p>";
    } else {
        out << "<ul>" << list << "</ul>";
    }
    out << "</section>";
    return out;
}

}  // namespace leash::tool
