// The page of report --before: two snapshots side by side.
#include <algorithm>

#include <fmt/format.h>

#include "report/compare.h"
#include "report/html_table.h"
#include "report/numbers.h"
#include "report/page.h"
#include "report/sections.h"
#include "report/time_charts.h"

namespace leash::tool {
namespace {

using Json = nlohmann::ordered_json;

Html verdict_cell(const Change& change) {
    const std::string verdict = verdict_of(change);
    Html out;
    if (!verdict.empty()) {
        out << R"(<span class=")" << (verdict == "better" ? Markup("better") : Markup("worse"))
            << R"(">)" << verdict << "</span>";
    }
    return out;
}

Html tiles_of(const Comparison& comparison) {
    Html out;
    out << R"(<dl class="tiles wide">)";
    const std::vector<std::string> wanted = {
        "Most connections", "Leaked sessions", "Refused for lack of a slot",
        "Cache hits",       "Slow statements", "Compute hours"};
    for (const std::string& name : wanted) {
        const auto at = std::find_if(comparison.changes.begin(), comparison.changes.end(),
                                     [&](const Change& change) { return change.name == name; });
        if (at == comparison.changes.end()) {
            continue;
        }
        out << R"(<div class="tile"><dt>)" << (at->aside.empty() ? name : name + ", " + at->aside)
            << "</dt><dd><b>" << value_text(*at, at->before)
            << R"( <span aria-hidden="true">→</span><span class="unseen"> then </span> )"
            << value_text(*at, at->after) << "</b> <small>" << difference_text(*at);
        if (!verdict_of(*at).empty()) {
            out << ", " << verdict_cell(*at);
        }
        out << "</small></dd></div>";
    }
    out << "</dl>";
    return out;
}

Html two_bars(double before, double after, double whole) {
    Html out;
    out << bar({{before, "idle"}}, whole) << bar({{after, "active"}}, whole);
    return out;
}

Html numbers_section(const Comparison& comparison) {
    TableRows table{{{"number"}, {"before", true}, {"after", true}, {""}, {"change", true}, {""}}};
    for (const Change& change : comparison.changes) {
        Html name;
        name << change.name << " <small>" << change.aside << "</small>";
        const double before = change.before.value_or(0);
        const double after = change.after.value_or(0);
        table.add(name, text(value_text(change, change.before)),
                  text(value_text(change, change.after)),
                  two_bars(before, after, std::max(before, after)), text(difference_text(change)),
                  verdict_cell(change));
    }
    Html out;
    out << R"(<section id="numbers"><h2>In numbers</h2>)"
        << R"(<p class="note">Sums are per day, so that spans of different length can be compared. "Better" and "worse" where a number changed by more than a twentieth, or a share by half a point.</p>)"
        << table_of("What changed, in numbers", table, "") << "</section>";
    return out;
}

// --- pictures ------------------------------------------------------------------

struct Pictures {
    Html html;
    std::vector<Chart> before;
    std::vector<Chart> after;
};

void add_pair(Pictures& out, const Comparison& comparison, Chart before, Chart after) {
    align(before, comparison.before, after, comparison.after);
    before.title += ", before";
    after.title += ", after";
    out.html << R"(<div class="pair">)" << figure_of(before, comparison.before, "before")
             << figure_of(after, comparison.after, "after") << "</div>";
    out.before.push_back(std::move(before));
    out.after.push_back(std::move(after));
}

Pictures pictures_of(const Comparison& comparison, const Evidence& before, const Evidence& after) {
    Pictures out;
    const Timeline& a = comparison.before;
    const Timeline& b = comparison.after;
    if (a.empty() || b.empty()) {
        return out;
    }
    const MinuteFacts was = a.total().facts;
    const MinuteFacts is = b.total().facts;
    add_pair(out, comparison, connections_chart(before, a, true),
             connections_chart(after, b, true));
    if (was.leaked + is.leaked > 0) {
        add_pair(out, comparison, leaks_chart(a), leaks_chart(b));
    }
    if (was.refused + is.refused > 0) {
        add_pair(out, comparison, refusals_chart(a), refusals_chart(b));
    }
    if (was.cache_hit_ratio && is.cache_hit_ratio) {
        add_pair(out, comparison, cache_chart(a), cache_chart(b));
    }
    if (was.slow + is.slow > 0) {
        add_pair(out, comparison, slow_chart(a), slow_chart(b));
    }
    return out;
}

// --- tables ----------------------------------------------------------------------

Html key_of_bars() {
    Html out;
    out << R"(<ul class="legend"><li><svg class="swatch" width="12" height="12" aria-hidden="true"><rect class="area idle" width="12" height="12" rx="2"/></svg> before</li>)"
        << R"(<li><svg class="swatch" width="12" height="12" aria-hidden="true"><rect class="area active" width="12" height="12" rx="2"/></svg> after</li></ul>)";
    return out;
}

template <class Facts>
std::string fate(const Pair<Facts>& pair) {
    return pair.before == nullptr ? "new" : pair.after == nullptr ? "gone" : "";
}

template <class Facts, class Amount>
double most(const std::vector<Pair<Facts>>& pairs, Amount amount) {
    double whole = 1;
    for (const auto& pair : pairs) {
        whole = std::max({whole, pair.before != nullptr ? amount(*pair.before) : 0.0,
                          pair.after != nullptr ? amount(*pair.after) : 0.0});
    }
    return whole;
}

// A cell of each side, "-" where there is none.
template <class Facts, class Cell>
std::pair<Html, Html> both(const Pair<Facts>& pair, Cell cell) {
    return {text(pair.before != nullptr ? cell(*pair.before) : std::string("-")),
            text(pair.after != nullptr ? cell(*pair.after) : std::string("-"))};
}

Html applications_changed(const Comparison& comparison) {
    if (comparison.applications.empty()) {
        return {};
    }
    const auto held = [](const ApplicationFacts& facts) {
        return static_cast<double>(facts.sessions);
    };
    const double whole = most(comparison.applications, held);
    TableRows table{{{"application"},
                     {"held before", true},
                     {"after", true},
                     {""},
                     {"needed before", true},
                     {"after", true},
                     {"wasted before", true},
                     {"after", true},
                     {""}}};
    for (const auto& pair : comparison.applications) {
        const ApplicationFacts& facts = pair.after != nullptr ? *pair.after : *pair.before;
        Html name;
        name << cut(application_text(facts.application_name), 63)
             << who(facts.usename, facts.datname);
        const auto [h1, h2] =
            both(pair, [](const ApplicationFacts& f) { return count_text(f.sessions); });
        const auto [n1, n2] =
            both(pair, [](const ApplicationFacts& f) { return known_count(f.in_use_p999); });
        const auto [w1, w2] =
            both(pair, [](const ApplicationFacts& f) { return known_count(waste_of(f)); });
        table.add(name, h1, h2,
                  two_bars(pair.before != nullptr ? held(*pair.before) : 0,
                           pair.after != nullptr ? held(*pair.after) : 0, whole),
                  n1, n2, w1, w2, text(fate(pair)));
    }
    Html out;
    out << R"(<section id="applications"><h2>By application</h2>)"
        << R"(<p class="note">Sessions held at the end of each span; needed is what is in use, 99.9 % of the time.</p>)"
        << key_of_bars() << table_of("Applications, before and after", table, "pgleash apps")
        << "</section>";
    return out;
}

Html causes_changed(const Comparison& comparison) {
    Html out;
    out << R"(<section id="leaks"><h2>Leaks, by cause</h2>)";
    if (comparison.causes.empty()) {
        out << "<p>None, neither before nor after.</p></section>";
        return out;
    }
    const auto sessions = [](const CauseFacts& facts) {
        return static_cast<double>(facts.sessions);
    };
    const double whole = most(comparison.causes, sessions);
    TableRows table{
        {{"kind"}, {"application"}, {"before", true}, {"after", true}, {""}, {"opened by"}, {""}}};
    for (const auto& pair : comparison.causes) {
        const CauseFacts& facts = pair.after != nullptr ? *pair.after : *pair.before;
        Html name;
        name << cut(application_text(facts.application_name), 63)
             << who(facts.usename, facts.datname);
        const auto [before, after] =
            both(pair, [](const CauseFacts& f) { return count_text(f.sessions); });
        table.add(text(cut(facts.kind, 40)), name, before, after,
                  two_bars(pair.before != nullptr ? sessions(*pair.before) : 0,
                           pair.after != nullptr ? sessions(*pair.after) : 0, whole),
                  opener_cell(facts), text(fate(pair)));
    }
    out << key_of_bars() << table_of("Leaks by cause, before and after", table, "pgleash leaks")
        << "</section>";
    return out;
}

Html compute_changed(const Comparison& comparison) {
    if (comparison.compute.empty()) {
        return {};
    }
    const auto hours = [](const ComputeFacts& facts) { return facts.compute_hours; };
    const double whole = most(comparison.compute, hours);
    TableRows table{{{"who kept the server awake"},
                     {"before", true},
                     {"after", true},
                     {""},
                     {"alone before", true},
                     {"after", true},
                     {""}}};
    for (const auto& pair : comparison.compute) {
        const ComputeFacts& facts = pair.after != nullptr ? *pair.after : *pair.before;
        Html name;
        if (facts.application_name) {
            name << cut(application_text(*facts.application_name), 63)
                 << who(facts.usename.value_or(""), facts.datname.value_or(""));
        } else {
            name << "the whole server";
        }
        const auto [h1, h2] =
            both(pair, [](const ComputeFacts& f) { return amount_text(f.compute_hours); });
        const auto [a1, a2] =
            both(pair, [](const ComputeFacts& f) { return amount_text(f.alone_hours); });
        table.add(name, h1, h2,
                  two_bars(pair.before != nullptr ? hours(*pair.before) : 0,
                           pair.after != nullptr ? hours(*pair.after) : 0, whole),
                  a1, a2, text(fate(pair)));
    }
    Html out;
    out << R"(<section id="compute"><h2>Compute hours</h2><p class="note">Of the week before each snapshot.</p>)"
        << key_of_bars()
        << table_of("Compute hours, before and after", table, "leash.compute_hours()")
        << "</section>";
    return out;
}

std::string slow_fate(const SlowPair& pair) {
    return pair.calls_before == 0 ? "new" : pair.calls_after == 0 ? "not seen since" : "";
}

Html slow_changed(const Comparison& comparison) {
    if (comparison.slow.empty()) {
        return {};
    }
    double whole = 0;
    for (const SlowPair& pair : comparison.slow) {
        whole = std::max(
            {whole, pair.seconds_a_day_before.value_or(0), pair.seconds_a_day_after.value_or(0)});
    }
    const auto length = [](const std::optional<double>& seconds) {
        return text(seconds ? length_text(Seconds{*seconds}) : "-");
    };
    const auto mean = [](std::int64_t calls, double seconds) {
        return text(calls > 0 ? length_text(Seconds{seconds}) : "-");
    };
    TableRows table{{{"statement"},
                     {"calls before", true},
                     {"after", true},
                     {"mean before", true},
                     {"after", true},
                     {"a day before", true},
                     {"after", true},
                     {""},
                     {""}}};
    for (const SlowPair& pair : comparison.slow) {
        Html query = statement(pair.facts->query);
        query << who(pair.facts->usename, pair.facts->datname);
        table.add(query, text(count_text(pair.calls_before)), text(count_text(pair.calls_after)),
                  mean(pair.calls_before, pair.mean_before),
                  mean(pair.calls_after, pair.mean_after), length(pair.seconds_a_day_before),
                  length(pair.seconds_a_day_after),
                  two_bars(pair.seconds_a_day_before.value_or(0),
                           pair.seconds_a_day_after.value_or(0), whole),
                  text(slow_fate(pair)));
    }
    Html out;
    out << R"(<section id="slow-statements"><h2>Slow statements</h2><p class="note">What came after is without what had been counted before. "A day" is the time that they took, of a day.</p>)"
        << key_of_bars()
        << table_of("Slow statements, before and after", table, "pgleash slow --summary")
        << "</section>";
    return out;
}

Html sides_of(const Comparison& comparison, const Evidence& before, const Evidence& after) {
    Html out;
    out << R"(<div class="pair"><div><h2>Before</h2>)" << server_line(before, comparison.before)
        << "</div><div><h2>After</h2>" << server_line(after, comparison.after) << "</div></div>";
    if (!comparison.cautions.empty()) {
        out << R"(<div class="caution" role="note"><b>Mind, when comparing:</b><ul>)";
        for (const std::string& words : comparison.cautions) {
            out << "<li>" << words << "</li>";
        }
        out << "</ul></div>";
    }
    return out;
}

}  // namespace

std::string compare_page(const Evidence& before, const Evidence& after) {
    const Comparison comparison = compare(before, after);
    const Pictures pictures = pictures_of(comparison, before, after);
    Html body;
    body
        << R"(<a class="skip" href="#numbers">Skip to the numbers</a><header><h1>What changed</h1></header><main>)"
        << sides_of(comparison, before, after) << tiles_of(comparison)
        << numbers_section(comparison);
    Json data = Json::object();
    if (!pictures.html.empty()) {
        body
            << R"(<section id="over-time"><h2>In pictures</h2><p class="note">Each pair has the same axis.</p>)"
            << pictures.html << "</section>";
        data["before"] = chart_data(pictures.before, comparison.before);
        data["after"] = chart_data(pictures.after, comparison.after);
    }
    body << applications_changed(comparison) << causes_changed(comparison)
         << slow_changed(comparison) << compute_changed(comparison)
         << R"(<section id="about"><h2>About these numbers</h2><ul>)"
         << "<li>Sampled peaks are lower bounds.</li><li>Made by pgleash "
         << std::string(PGLEASH_VERSION)
         << ". This page loads nothing and sends nothing.</li></ul></section></main>";
    return document_of(fmt::format("What changed on {}", address_of(after.server)), body, data);
}

}  // namespace leash::tool
