#include "plan/page.h"

#include <algorithm>

#include <fmt/format.h>

#include "plan/find.h"
#include "plan/quoting.h"
#include "plan/situation.h"
#include "plan/words.h"

namespace leash::tool::plan {
namespace {

// Less is too short to know a day's peaks or a pool's need.
constexpr double kEnough = 3600;
// The first minute begins before the server does.
constexpr double kSomeMinutes = 120;

std::string name_of(const ServerFacts& server) {
    if (server.host.empty()) {
        return "this server";
    }
    return code(server.host + (server.port.empty() ? "" : ':' + server.port), 80);
}

// Said once in front of the commands.
std::string target_of(const ServerFacts& server) {
    std::string out;
    const auto add = [&](const char* variable, const std::string& value) {
        if (!value.empty()) {
            out +=
                fmt::format("{}{}={}", out.empty() ? "export " : " ", variable, shell_word(value));
        }
    };
    add("PGHOST", server.host);
    add("PGPORT", server.port);
    add("PGDATABASE", server.database);
    return out.empty() ? out : out + '\n';
}

// --- the summary ---------------------------------------------------------------------

std::string slots_line(const Situation& situation) {
    const ConnectionFacts& slots = situation.evidence.connections;
    std::string line =
        fmt::format("Slots: {} of {} are taken", number(slots.used), number(slots.max_connections));
    if (slots.reserved > 0) {
        line += fmt::format(" ({} are reserved)", number(slots.reserved));
    }
    const bool known = situation.evidence.server.extension_version.has_value();
    if (situation.peak_at && (known || slots.peak_used)) {
        line += fmt::format("; at most {} were, in the minute {}", number(situation.peak),
                            moment(*situation.peak_at));
    }
    if (!known) {
        return line + '.';
    }
    if (situation.refused == 0) {
        return line + ". No connection was refused for want of one in the last day.";
    }
    return line + fmt::format(". {} refused in the last day, most of them ({}) in the minute {}.",
                              situation.refused == 1
                                  ? "1 connection was"
                                  : number(situation.refused) + " connections were",
                              number(situation.worst_refusals->refused),
                              moment(situation.worst_refusals->minute));
}

std::optional<double> cache_hit_ratio(const Situation& situation) {
    double hit = 0;
    double read = 0;
    for (const DatabaseFacts& database : situation.evidence.databases) {
        hit += static_cast<double>(database.blks_hit);
        read += static_cast<double>(database.blks_read);
    }
    return hit + read > 0 ? std::optional(hit / (hit + read)) : std::nullopt;
}

// Some sessions' states may not be seen.
bool sees_all(const Evidence& evidence) {
    return evidence.server.extension_version || evidence.connections.idle;
}

std::string sessions_line(const Evidence& evidence) {
    if (!sees_all(evidence)) {
        return "Sessions: those of other roles may not be seen: as a superuser, GRANT pg_monitor "
               "to "
               "the role that asks.";
    }
    return evidence.server.extension_version
               ? "Sessions: none is leaked, no old transaction is open, no pool is far too large."
               : "Sessions: none is leaked, no old transaction is open; what pools need is not "
                 "known without pg_leash.";
}

std::string statements_line(const Situation& situation) {
    if (!situation.evidence.server.extension_version) {
        const auto ratio = cache_hit_ratio(situation);
        return ratio ? fmt::format("Cache hit ratio: {}, since statistics were reset.",
                                   percent(*ratio))
                     : "No block was read yet.";
    }
    std::int64_t statements = 0;
    for (const ApplicationFacts& facts : situation.evidence.applications) {
        statements += facts.statements.value_or(0);
    }
    std::string line =
        fmt::format("Statements: {} counted", statements == 0 ? "none" : number(statements));
    const auto slow = situation.evidence.connections.slow_statements_total;
    if (statements > 0 && slow) {
        line += fmt::format(", {} of them slow", *slow == 0 ? "none" : number(*slow));
    }
    if (const auto ratio = cache_hit_ratio(situation)) {
        line += fmt::format("; cache hit ratio {}", percent(*ratio));
    }
    return line + '.';
}

std::string known_line(const Situation& situation) {
    std::string line =
        fmt::format("Known: {}, since {}", duration(situation.seconds), moment(situation.since));
    if (!situation.history.empty()) {
        line += fmt::format(" ({} of history)", counted(situation.minutes, "minute"));
    }
    return line + '.';
}

// --- what is not known -----------------------------------------------------------------

void tell_missing(const Evidence& evidence, std::vector<std::string>& lines) {
    if (!evidence.missing.empty()) {
        std::vector<std::string> names;
        for (const std::string& name : evidence.missing) {
            names.push_back(code(name));
        }
        lines.push_back(
            fmt::format("The snapshot is of another pgleash, and lacks {}: what follows from that "
                        "is not known.",
                        listed(names)));
    }
}

// What is special about these data: of a healthy server it is said, too.
std::vector<std::string> lacks_of(const Situation& situation) {
    const Evidence& evidence = situation.evidence;
    std::vector<std::string> lines;
    tell_missing(evidence, lines);
    if (!evidence.server.extension_version) {
        lines.push_back(fmt::format(
            "Without pg_leash it is not known who opened a transaction, what a pool needs, "
            "who was refused and when; {}.",
            evidence.server.statements_from
                ? fmt::format("slow statements are sums of {} since {}, of all applications",
                              *evidence.server.statements_from,
                              moment(evidence.server.statements_since.value_or(situation.now)))
                : "nor are slow statements"));
    } else if (situation.history.empty()) {
        lines.emplace_back(
            "No history was kept: spikes, the minute of a peak and what changed in "
            "the last days are not known.");
    }
    const std::optional<Instant> reset = evidence.connections.stats_reset;
    if (!situation.history.empty() && reset &&
        seconds_between(situation.history.front().minute, *reset) > kSomeMinutes) {
        lines.push_back(fmt::format(
            "Statistics were reset at {}, within the history: totals begin there, minutes do not.",
            moment(*reset)));
    }
    if (situation.ahead > 0) {
        lines.push_back(fmt::format(
            "{} in the future of the server's clock, which was set back: {} left out.",
            counted(situation.ahead, "minute") + (situation.ahead == 1 ? " lies" : " lie"),
            situation.ahead == 1 ? "it is" : "they are"));
    }
    for (const IndexFacts& index : evidence.indexes) {
        if (index.existing) {
            lines.push_back(fmt::format(
                "Statements on {} were slow for want of an index that is there now ({}). "
                "If they still are, run ANALYZE on the table, and look at their plans.",
                code(index.table), code(*index.existing)));
        }
    }
    return lines;
}

std::vector<std::string> healthy_lines(const Situation& situation) {
    std::string known = known_line(situation);
    known += situation.seconds < kEnough
                 ? " That is short: ask again when an hour of the usual load is known."
                 : fmt::format(" {} tells when that changes.", code("pgleash health"));
    for (const std::string& line : lacks_of(situation)) {
        known += ' ' + line;
    }
    return {slots_line(situation), sessions_line(situation.evidence), statements_line(situation),
            known};
}

std::vector<std::string> caveats_of(const Situation& situation) {
    std::vector<std::string> caveats = lacks_of(situation);
    caveats.insert(
        caveats.begin(),
        known_line(situation) +
            (situation.seconds < kEnough
                 ? " That is less than an hour: peaks and needs of other hours are not in "
                   "it, and every number may still move."
                 : ""));
    if (!situation.evidence.server.extension_version && !sees_all(situation.evidence)) {
        caveats.push_back(sessions_line(situation.evidence));
    }
    caveats.push_back(
        "Levels are sampled, so that peaks are lower bounds; requests that wait in an "
        "application's "
        "own pool cannot be seen from the server.");
    return caveats;
}

// --- what the server will look like -----------------------------------------------------

std::vector<Expected> expected_of(const Situation& situation,
                                  const std::vector<Finding>& findings) {
    std::vector<Expected> expected;
    std::int64_t freed = 0;
    std::vector<std::string> by;
    for (std::size_t i = 0; i < findings.size(); ++i) {
        if (findings[i].frees > 0) {
            freed += findings[i].frees;
            by.push_back(fmt::format("{} by finding {}", number(findings[i].frees), i + 1));
        }
    }
    if (freed == 0) {
        return expected;
    }
    const std::int64_t after = std::max<std::int64_t>(situation.peak - freed, 0);
    expected.push_back({"connections, at the peak", number(situation.peak), number(after),
                        "the peak less what is freed: " + listed(by)});
    if (situation.refused > 0) {
        expected.push_back({"connections refused, in a day", number(situation.refused), "0",
                            fmt::format("as long as the peak of {} stays below the {} slots",
                                        number(after), number(situation.usable))});
    }
    return expected;
}

}  // namespace

Page make_page(const Evidence& evidence, const Evidence* before) {
    const Situation situation(evidence);
    Page page;
    page.now = situation.now;
    page.since = situation.since;
    page.minutes = situation.minutes;
    page.target = target_of(evidence.server);
    page.findings = find(evidence);
    if (before != nullptr) {
        page.changes = compare(*before, evidence);
    }
    if (page.findings.empty()) {
        page.title = "Nothing is wrong on " + name_of(evidence.server);
        page.summary = healthy_lines(situation);
        return page;
    }
    page.title = "Emergency plan for " + name_of(evidence.server);
    page.summary = {slots_line(situation), statements_line(situation), known_line(situation)};
    page.expected = expected_of(situation, page.findings);
    page.caveats = caveats_of(situation);
    return page;
}

}  // namespace leash::tool::plan
