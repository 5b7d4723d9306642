// Sections about sessions: applications, leaks, refusals, reaps.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "report/html_table.h"
#include "report/numbers.h"
#include "report/sections.h"

namespace leash::tool {
namespace {

Html application_cell(const std::string& name, const std::string& usename,
                      const std::string& datname) {
    Html out;
    out << cut(application_text(name), 63) << who(usename, datname);
    return out;
}

Html needs_bar(const ApplicationFacts& application, double whole) {
    const auto sessions = static_cast<double>(application.sessions);
    if (!application.in_use_p999) {
        return bar({{sessions, "idle"}}, whole);
    }
    const auto need = static_cast<double>(*application.in_use_p999);
    return bar({{std::min(need, sessions), "active"}, {std::max(0.0, sessions - need), "waste"}},
               whole);
}

std::vector<ApplicationFacts> by_waste(std::vector<ApplicationFacts> applications) {
    std::stable_sort(applications.begin(), applications.end(),
                     [](const ApplicationFacts& a, const ApplicationFacts& b) {
                         return std::pair(waste_of(a).value_or(-1), a.sessions) >
                                std::pair(waste_of(b).value_or(-1), b.sessions);
                     });
    return applications;
}

std::string needs_words(const std::vector<ApplicationFacts>& applications) {
    std::int64_t sessions = 0;
    std::int64_t needed = 0;
    std::int64_t unmeasured = 0;
    for (const ApplicationFacts& application : applications) {
        sessions += application.sessions;
        needed += application.in_use_p999.value_or(0);
        unmeasured += application.in_use_p999 ? 0 : 1;
    }
    std::string words = fmt::format(
        "Together they hold {} now and need {}: 99.9 % of the time none of them has more in use "
        "than it needs. The rest is held for nothing.",
        number_of(sessions, "session"), count_text(needed));
    if (unmeasured > 0) {
        words += fmt::format(" Not measured yet: {}.", number_of(unmeasured, "application"));
    }
    return words + " pgleash advise computes the sizes of pools.";
}

Html key(Markup css, const std::string& words) {
    Html out;
    out << R"(<li><svg class="swatch" width="12" height="12" aria-hidden="true"><rect class="area )"
        << css << R"(" width="12" height="12" rx="2"/></svg> )" << words << "</li>";
    return out;
}

Html open_section(Markup id, const std::string& title, const std::string& note) {
    Html out;
    out << R"(<section id=")" << id << R"("><h2>)" << title << "</h2>";
    if (!note.empty()) {
        out << R"(<p class="note">)" << note << "</p>";
    }
    return out;
}

std::string growth_text(const CauseFacts& cause) {
    if (!cause.growth_per_hour || *cause.growth_per_hour <= 0) {
        return "";
    }
    std::string words = fmt::format("+{} an hour", amount_text(*cause.growth_per_hour));
    if (cause.exhausted_in) {
        words += ", full in " + length_text(*cause.exhausted_in);
    }
    return words;
}

}  // namespace

Html opener_cell(const CauseFacts& cause) {
    Html out = statement(cause.opener);
    if (cause.opener.empty() && cause.last_statement) {
        out << "last: " << statement(*cause.last_statement);
    }
    if (cause.route) {
        out << " <small>" << cut(*cause.route, 100) << "</small>";
    }
    return out;
}

Html applications_section(const Evidence& evidence) {
    if (evidence.applications.empty()) {
        return {};
    }
    const std::vector<ApplicationFacts> applications = by_waste(evidence.applications);
    double whole = 1;
    for (const ApplicationFacts& application : applications) {
        whole = std::max(whole, static_cast<double>(application.sessions));
    }
    TableRows table{{{"application"},
                     {"needed and wasted"},
                     {"holds", true},
                     {"needs", true},
                     {"wastes", true},
                     {"at most", true},
                     {"in use, mean", true},
                     {"leaked so far", true},
                     {"reaped", true},
                     {"statements", true},
                     {"p95", true}}};
    for (const ApplicationFacts& a : applications) {
        table.add(application_cell(a.application_name, a.usename, a.datname), needs_bar(a, whole),
                  text(count_text(a.sessions)), text(known_count(a.in_use_p999)),
                  text(known_count(waste_of(a))), text(known_count(a.sessions_peak)),
                  text(known_amount(a.in_use_mean)), text(known_count(a.leaked)),
                  text(known_count(a.reaped)), text(known_count(a.statements)),
                  text(known_length(a.statement_p95)));
    }
    Html out = open_section("applications", "Applications, by need and by waste",
                            needs_words(applications));
    out << R"(<ul class="legend">)" << key("active", "needs: in use, 99.9 % of the time")
        << key("waste", "wastes: held beyond that") << key("idle", "not measured yet") << "</ul>"
        << table_of("Applications", table, "pgleash apps") << "</section>";
    return out;
}

Html leaks_section(const Evidence& evidence) {
    Html out = open_section("leaks", "Leaks, by cause", "");
    if (evidence.causes.empty()) {
        out << "<p>No session is leaked now.</p></section>";
        return out;
    }
    double whole = 1;
    for (const CauseFacts& cause : evidence.causes) {
        whole = std::max(whole, static_cast<double>(cause.sessions));
    }
    TableRows table{{{"kind"},
                     {"application"},
                     {"sessions", true},
                     {""},
                     {"oldest", true},
                     {"weight"},
                     {"opened by"},
                     {"growth"}}};
    for (const CauseFacts& cause : evidence.causes) {
        std::string weight = cause.weight;
        if (cause.blocked_sessions > 0) {
            weight += fmt::format(" ({})", cause.blocked_sessions);
        }
        table.add(text(cut(cause.kind, 40) + (cause.leaked ? "" : " (no leak yet)")),
                  application_cell(cause.application_name, cause.usename, cause.datname),
                  text(count_text(cause.sessions)),
                  bar({{static_cast<double>(cause.sessions),
                        cause.leaked ? Markup("leaked") : Markup("idle")}},
                      whole),
                  text(length_text(cause.oldest)), text(cut(weight, 60)), opener_cell(cause),
                  text(growth_text(cause)));
    }
    out << table_of("Leaks by cause", table, "pgleash leaks") << "</section>";
    return out;
}

Html orphans_section(const Evidence& evidence) {
    if (evidence.orphans.empty()) {
        return {};
    }
    TableRows table{{{"kind"}, {"name"}, {"since", false, true}, {"holds"}}};
    for (const OrphanFacts& orphan : evidence.orphans) {
        table.add(text(cut(orphan.kind, 40)), text(cut(orphan.name, 100)),
                  text(orphan.since ? moment_text(*orphan.since) : "-"),
                  text(cut(orphan.holds, 100)));
    }
    Html out = open_section("orphans", "Leaks without a session",
                            "Nobody is connected, yet they hold locks or old row versions.");
    out << table_of("Leaks without a session", table, "pgleash orphans") << "</section>";
    return out;
}

Html refusals_section(const Evidence& evidence) {
    const ConnectionFacts& c = evidence.connections;
    std::map<std::string, std::int64_t> last_day;
    for (const RefusalFacts& refusal : evidence.refusals) {
        last_day[refusal.reason] += refusal.refused;
    }
    TableRows totals{{{"reason"}, {"refused", true}}};
    const std::pair<const char*, std::optional<std::int64_t>> reasons[] = {
        {"too many clients", c.refused_too_many_clients},
        {"only reserved slots were left", c.refused_reserved_slots},
        {"the role's limit", c.refused_role_limit},
        {"the database's limit", c.refused_database_limit},
        {"authentication", c.refused_authentication}};
    for (const auto& [reason, refused] : reasons) {
        if (refused.value_or(0) > 0) {
            totals.add(text(reason), text(count_text(*refused)));
        }
    }
    if (totals.rows.empty() && last_day.empty()) {
        return {};
    }
    Html out = open_section("refusals", "Refused connections, by reason", "");
    if (!totals.rows.empty()) {
        out << "<h3>Since the statistics began"
            << (c.stats_reset ? ", " + moment_text(*c.stats_reset) : std::string()) << "</h3>"
            << table_of("Refusals since the statistics began", totals, "leash.connections");
    }
    if (!last_day.empty()) {
        TableRows recent{{{"reason"}, {"refused", true}}};
        for (const auto& [reason, refused] : last_day) {
            recent.add(text(cut(reason, 60)), text(count_text(refused)));
        }
        out << "<h3>In the last day</h3>"
            << table_of("Refusals of the last day", recent, "leash.refusals");
    }
    out << "</section>";
    return out;
}

Html reaps_section(const Evidence& evidence) {
    if (evidence.reaps.empty()) {
        return {};
    }
    TableRows table{{{"policy"},
                     {"mode"},
                     {"action"},
                     {"application"},
                     {"outcome"},
                     {"decisions", true},
                     {"last", false, true}}};
    for (const ReapFacts& reap : evidence.reaps) {
        table.add(text(reap.policy.empty() ? "(by hand)" : cut(reap.policy, 63)),
                  text(cut(reap.mode, 20)), text(cut(reap.action, 20)),
                  text(cut(application_text(reap.application_name), 63)),
                  text(cut(reap.outcome, 60)), text(count_text(reap.decisions)),
                  text(moment_text(reap.last_at)));
    }
    Html out = open_section(
        "reaps", "Decisions of the reaper",
        "Sessions that policies, or somebody by hand, decided on; \"would\" is what a policy "
        "that only observes would have done.");
    out << table_of("Decisions of the reaper", table, "pgleash log") << "</section>";
    return out;
}

}  // namespace leash::tool
