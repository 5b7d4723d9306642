#include "report/page.h"

#include <fmt/format.h>

#include "report/assets.h"
#include "report/numbers.h"
#include "report/sections.h"
#include "report/time_charts.h"

namespace leash::tool {
namespace {

using Json = nlohmann::ordered_json;

struct Drawn {
    Html connections;
    Html leaks;
    Html work;
    Json data = Json::object();
};

// The charts in the order of the page; none without minutes.
Drawn draw(const Evidence& evidence, const Timeline& timeline) {
    Drawn out;
    if (timeline.empty()) {
        return out;
    }
    const std::string set = "minutes";
    std::vector<Chart> charts;
    const auto add = [&](Html& where, Chart chart) {
        where << figure_of(chart, timeline, set);
        charts.push_back(std::move(chart));
    };
    // An empty picture says less than a sentence.
    const auto add_unless_none = [&](Html& where, Chart chart, std::int64_t most) {
        if (most > 0) {
            add(where, std::move(chart));
        } else {
            where << "<p>" << chart.title << ": none in these minutes.</p>";
        }
    };
    const MinuteFacts total = timeline.total().facts;
    add(out.connections, connections_chart(evidence, timeline));
    add_unless_none(out.connections, refusals_chart(timeline), total.refused);
    add_unless_none(out.leaks, leaks_chart(timeline), total.leaked);
    add_unless_none(out.leaks, reaps_chart(timeline), total.reaped);
    if (total.cache_hit_ratio) {
        add(out.work, cache_chart(timeline));
    }
    if (total.rows_read || total.rows_written) {
        add(out.work, rows_chart(timeline));
    }
    add_unless_none(out.work, slow_chart(timeline), total.slow);
    out.data[set] = chart_data(charts, timeline);
    return out;
}

void add_link(Html& out, const Html& section, Markup target, Markup name) {
    if (!section.empty()) {
        out << R"(<li><a href="#)" << target << R"(">)" << name << "</a></li>";
    }
}

}  // namespace

std::string document_of(const std::string& title, const Html& body, const Json& data) {
    Html out;
    out << "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        << R"(<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'sha256-)"
        << Html::verbatim(kReportScriptHash) << R"('; style-src 'sha256-)"
        << Html::verbatim(kReportStyleHash) << R"('; base-uri 'none'; form-action 'none'">)"
        << R"(<meta name="viewport" content="width=device-width, initial-scale=1">)"
        << R"(<meta name="referrer" content="no-referrer"><meta name="color-scheme" content="light dark">)"
        << R"(<meta name="generator" content="pgleash )" << std::string(PGLEASH_VERSION)
        << R"("><title>)" << title << "</title>\n<style>" << Html::verbatim(kReportStyle)
        << "</style></head>\n<body>" << body << "\n<script type=\"application/json\" id=\"data\">"
        << Html::json(data) << "</script>\n<script>" << Html::verbatim(kReportScript)
        << "</script></body></html>\n";
    return out.code();
}

std::string report_page(const Evidence& evidence) {
    const Timeline timeline = timeline_of(evidence);
    const Drawn drawn = draw(evidence, timeline);
    const std::string title = fmt::format("PostgreSQL sessions of {}", address_of(evidence.server));
    const Html applications = applications_section(evidence);
    const Html slow = slow_section(evidence);
    const Html compute = compute_section(evidence);
    const Html checks = checks_section(evidence);
    Html body;
    body << R"(<a class="skip" href="#in-short">Skip to the summary</a><header><h1>)"
         << std::string("PostgreSQL sessions") << "</h1>" << server_line(evidence, timeline)
         << "</header>"
         << "<main>" << key_numbers(evidence, timeline) << in_short(evidence, timeline)
         << R"(<nav aria-label="Contents"><ul>)";
    add_link(body, drawn.connections, "over-time", "Connections");
    add_link(body, applications, "applications", "Applications");
    body << R"(<li><a href="#leaks">Leaks</a></li>)";
    add_link(body, drawn.work, "work", "Work");
    add_link(body, slow, "slow-statements", "Slow statements");
    add_link(body, compute, "compute", "Compute hours");
    add_link(body, checks, "checks", "Checks");
    body << R"(<li><a href="#about">About</a></li></ul></nav>)";
    if (!drawn.connections.empty()) {
        body
            << R"(<section id="over-time"><h2>Connections</h2><div class="ranges" data-set="minutes"></div>)"
            << drawn.connections << "</section>";
    }
    body << refusals_section(evidence) << applications << leaks_section(evidence) << drawn.leaks
         << orphans_section(evidence) << reaps_section(evidence);
    if (!drawn.work.empty()) {
        body << R"(<section id="work"><h2>Work</h2>)" << drawn.work << "</section>";
    }
    body << slow << indexes_section(evidence) << compute << checks
         << about_section(evidence, timeline) << "</main>";
    return document_of(title, body, drawn.data);
}

}  // namespace leash::tool
