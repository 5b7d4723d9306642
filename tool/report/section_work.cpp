// Sections about work: slow statements, indexes, compute hours, checks; and what the data
// lacks.
#include <algorithm>

#include <fmt/format.h>

#include "report/html_table.h"
#include "report/numbers.h"
#include "report/sections.h"

namespace leash::tool {
namespace {

constexpr std::size_t kMostGaps = 20;

Html status_cell(const std::string& status) {
    Html out;
    out << R"(<span class="status )"
        << (status == "ok"         ? Markup("ok")
            : status == "critical" ? Markup("critical")
                                   : Markup("warning"))
        << R"(">)" << cut(status, 20) << "</span>";
    return out;
}

std::string gap_words(const Span& gap) {
    return fmt::format("{} to {}, {}", minute_text(gap.begin), minute_text(gap.end),
                       length_text(Seconds{static_cast<double>(gap.minutes()) * 60}));
}

Html gap_list(const Timeline& timeline) {
    std::vector<Span> gaps = timeline.gaps;
    std::stable_sort(gaps.begin(), gaps.end(),
                     [](const Span& a, const Span& b) { return a.minutes() > b.minutes(); });
    Html out;
    out << "<li>" << number_of(static_cast<std::int64_t>(gaps.size()), "gap")
        << " in the minutes: the server was down, or pg_leash was not there. Drawn as gaps, not "
           "counted.<ul>";
    for (std::size_t i = 0; i < std::min(gaps.size(), kMostGaps); ++i) {
        out << "<li>" << gap_words(gaps[i]) << "</li>";
    }
    if (gaps.size() > kMostGaps) {
        out << "<li>" << fmt::format("and {} shorter ones", gaps.size() - kMostGaps) << "</li>";
    }
    out << "</ul></li>";
    return out;
}

void say(Html& out, std::int64_t count, const std::string& words) {
    if (count > 0) {
        out << "<li>" << number_of(count, "minute") + ' ' + words << "</li>";
    }
}

Html minutes_notes(const Timeline& timeline) {
    Html out;
    if (timeline.empty()) {
        out << "<li>There is no history of minutes yet, so that nothing is drawn over time: "
               "pg_leash "
               "writes one row a minute, in leash.history.</li>";
    } else if (timeline.span().minutes() < 60) {
        out << "<li>There is less than an hour of minutes yet. Do not judge by it.</li>";
    }
    if (!timeline.gaps.empty()) {
        out << gap_list(timeline);
    }
    say(out, timeline.merged, "came twice, since the clock was set back; taken together.");
    say(out, timeline.out_of_order, "out of order; put in order.");
    say(out, timeline.ahead, "later than the server's own clock; left out.");
    say(out, timeline.earlier, "from before the last week; left out.");
    return out;
}

}  // namespace

Html slow_section(const Evidence& evidence) {
    if (evidence.slow.empty()) {
        return {};
    }
    std::vector<SlowFacts> slow = evidence.slow;
    std::stable_sort(slow.begin(), slow.end(), [](const SlowFacts& a, const SlowFacts& b) {
        return a.total_time > b.total_time;
    });
    const double whole = slow.front().total_time.value;
    TableRows table{{{"statement"},
                     {"in all", true},
                     {""},
                     {"calls", true},
                     {"failed", true},
                     {"mean", true},
                     {"longest", true},
                     {"waiting for its client", true},
                     {"rows", true},
                     {"last seen", false, true}}};
    for (const SlowFacts& s : slow) {
        Html query = statement(s.query);
        query << " <small>" << cut(s.application_name.value_or(""), 63) << "</small>"
              << who(s.usename, s.datname);
        table.add(query, text(length_text(s.total_time)),
                  bar({{s.total_time.value, "in-transaction"}}, whole), text(count_text(s.calls)),
                  text(known_count(s.failed)), text(length_text(s.mean_time)),
                  text(length_text(s.max_time)), text(known_length(s.client_wait)),
                  text(count_text(s.rows)), text(s.last_seen ? moment_text(*s.last_seen) : ""));
    }
    Html out;
    out << R"(<section id="slow-statements"><h2>Slow statements, most costly first</h2>)"
        << R"(<p class="note">)"
        << text(evidence.server.statements_from
                    ? "All calls are counted, of statements that are slow in the mean, as "
                      "pg_stat_statements has them: of which application, whether they failed and "
                      "how long they waited for their client is not known."
                    : "Only calls beyond pg_leash.slow_statement_threshold are counted.")
        << R"( Literals are masked.</p>)"
        << table_of("Slow statements", table, "pgleash slow --summary") << "</section>";
    return out;
}

Html indexes_section(const Evidence& evidence) {
    if (evidence.indexes.empty()) {
        return {};
    }
    TableRows table{{{"table"},
                     {"columns"},
                     {"slow statements", true},
                     {"rows scanned", true},
                     {"rows kept", true},
                     {"time", true}}};
    for (const IndexFacts& index : evidence.indexes) {
        table.add(text(cut(index.table, 130)), text(cut(index.columns, 200)),
                  text(count_text(index.slow_statements)), text(count_text(index.rows_scanned)),
                  text(count_text(index.rows_kept)), text(length_text(index.total_time)));
    }
    Html out;
    out << R"(<section id="indexes"><h2>Where an index may be missing</h2>)"
        << R"(<p class="note">Tables that slow statements read whole to keep few rows. pgleash advise indexes judges these and prints the statements to paste.</p>)"
        << table_of("Index candidates", table, "pgleash advise indexes") << "</section>";
    return out;
}

Html compute_section(const Evidence& evidence) {
    if (evidence.compute.empty()) {
        return {};
    }
    std::vector<ComputeFacts> rows = evidence.compute;
    std::stable_sort(rows.begin(), rows.end(), [](const ComputeFacts& a, const ComputeFacts& b) {
        return std::pair(!a.application_name, a.compute_hours) >
               std::pair(!b.application_name, b.compute_hours);
    });
    double whole = 1;
    for (const ComputeFacts& row : rows) {
        whole = std::max(whole, row.compute_hours);
    }
    TableRows table{{{"who kept the server awake"},
                     {"hours", true},
                     {""},
                     {"alone", true},
                     {"active minutes", true}}};
    for (const ComputeFacts& row : rows) {
        Html name;
        if (row.application_name) {
            name << cut(application_text(*row.application_name), 63)
                 << who(row.usename.value_or(""), row.datname.value_or(""));
        } else {
            name << "the whole server";
        }
        table.add(name, text(amount_text(row.compute_hours)),
                  bar({{row.alone_hours, "in-transaction"},
                       {row.compute_hours - row.alone_hours, "active"}},
                      whole),
                  text(amount_text(row.alone_hours)), text(count_text(row.active_minutes)));
    }
    Html out;
    out << R"(<section id="compute"><h2>Compute hours</h2>)"
        << R"(<p class="note">Hours of the last week in which a server that suspends itself when idle would have been awake, and for whom. "Alone": nobody else did anything then, so that these hours would be saved.</p>)"
        << table_of("Compute hours", table, "leash.compute_hours()") << "</section>";
    return out;
}

Html checks_section(const Evidence& evidence) {
    if (evidence.checks.empty()) {
        return {};
    }
    TableRows table{{{"check"}, {"status"}, {"message"}}};
    for (const CheckFacts& check : evidence.checks) {
        table.add(text(cut(check.check, 60)), status_cell(check.status),
                  text(cut(check.message, 300)));
    }
    Html out;
    out << R"(<section id="checks"><h2>Checks</h2>)" << table_of("Checks", table, "pgleash health")
        << "</section>";
    return out;
}

Html about_section(const Evidence& evidence, const Timeline& timeline) {
    Html out;
    out << R"(<section id="about"><h2>About these numbers</h2><ul>)" << minutes_notes(timeline);
    if (!evidence.server.extension_version) {
        out << "<li>This server does not have pg_leash: what PostgreSQL alone tells is here, the "
               "rest is "
               "not known.</li>";
    }
    if (evidence.connections.stats_reset) {
        out << "<li>Totals of applications and refusals are since "
            << moment_text(*evidence.connections.stats_reset) << ".</li>";
    }
    out << "<li>Sampled peaks are lower bounds. The limit is that of now, also for the minutes "
           "before.</li>"
        << "<li>Made by pgleash " << std::string(PGLEASH_VERSION)
        << " from what the server said at " << moment_text(evidence.server.now)
        << " UTC. This page loads nothing and sends nothing.</li></ul></section>";
    return out;
}

}  // namespace leash::tool
