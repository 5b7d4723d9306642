// The plan's sections, in order.
#include <fmt/format.h>

#include "plan/page.h"
#include "plan/words.h"

namespace leash::tool::plan {
namespace {

struct Term {
    When when;
    const char* name;
};
constexpr Term kTerms[] = {
    {When::kHour, "First hour"}, {When::kDay, "First day"}, {When::kWeek, "First week"}};

const char* name_of(When when) {
    for (const Term& term : kTerms) {
        if (term.when == when) {
            return term.name;
        }
    }
    return "";
}

void what_changed(const Changes& changes, Document& out) {
    out.heading(2, "What has changed since " + moment(changes.since));
    std::vector<std::string> lines = changes.notes;
    const auto add = [&](const char* what, const std::vector<std::string>& titles) {
        for (const std::string& title : titles) {
            lines.push_back(std::string(what) + title + '.');
        }
    };
    add("Gone: ", changes.gone);
    add("New: ", changes.added);
    add("Still there: ", changes.still);
    out.list(lines);
    std::vector<std::vector<std::string>> rows;
    for (const Change& change : changes.numbers) {
        rows.push_back({change.what, change.before, change.after});
    }
    out.table({"What", "Before", "Now"}, std::move(rows));
}

void what_is_wrong(const Page& page, Document& out) {
    out.heading(2, "What is wrong");
    std::vector<std::vector<std::string>> rows;
    for (std::size_t i = 0; i < page.findings.size(); ++i) {
        const Finding& finding = page.findings[i];
        rows.push_back(
            {std::to_string(i + 1), finding.title, plan::name_of(finding.harm), finding.hurts});
    }
    out.table({"#", "Finding", "Harm", "How"}, std::move(rows));
    for (std::size_t i = 0; i < page.findings.size(); ++i) {
        const Finding& finding = page.findings[i];
        out.heading(3, fmt::format("{}. {}", i + 1, finding.title));
        out.list(finding.evidence);
        out.paragraph(finding.diagnosis);
    }
}

std::string fix_number(std::size_t finding, std::size_t fix) {
    return fmt::format("{}.{}", finding + 1, fix + 1);
}

void fixes(const Page& page, Document& out) {
    out.heading(2, "Fixes");
    if (!page.target.empty()) {
        out.paragraph("The commands connect as psql does. Once, in the shell where they are run:");
        out.code("sh", page.target);
    }
    for (std::size_t i = 0; i < page.findings.size(); ++i) {
        out.heading(3, fmt::format("For finding {}: {}", i + 1, page.findings[i].title));
        for (std::size_t f = 0; f < page.findings[i].fixes.size(); ++f) {
            const Fix& fix = page.findings[i].fixes[f];
            out.paragraph(fix.what, fmt::format("{}, {}.", fix_number(i, f), name_of(fix.when)));
            if (!fix.text.empty()) {
                out.code(fix.language, fix.text);
            }
            out.list({"Risk: " + fix.risk + '.', "Undo: " + fix.undo + '.'});
        }
    }
}

void expected_results(const Page& page, Document& out) {
    std::vector<std::vector<std::string>> rows;
    const auto add = [&](const std::string& by, const Expected& expected) {
        rows.push_back({by, expected.what, expected.now, expected.after, expected.how});
    };
    for (const Expected& expected : page.expected) {
        add("all", expected);
    }
    for (std::size_t i = 0; i < page.findings.size(); ++i) {
        for (const Expected& expected : page.findings[i].expected) {
            add(std::to_string(i + 1), expected);
        }
    }
    if (!rows.empty()) {
        out.heading(2, "Expected results");
        out.table({"Finding", "What", "Now", "After", "How it is computed"}, std::move(rows));
    }
}

void how_to_watch(const Page& page, Document& out) {
    std::string text;
    for (std::size_t i = 0; i < page.findings.size(); ++i) {
        for (const Watch& watch : page.findings[i].watch) {
            text += fmt::format("# finding {}: {}\n{}\n", i + 1, watch.what, watch.text);
        }
    }
    text +=
        "# the whole server, for people and for a monitor (exit status as Nagios plugins)\n"
        "pgleash status --watch 5\npgleash health\n";
    out.heading(2, "How to watch it");
    out.code("sh", text);
}

// What a fix does, without how.
std::string first_sentence(const std::string& text) {
    const std::size_t end = text.find(". ");
    return end == std::string::npos ? text : text.substr(0, end + 1);
}

void timeline(const Page& page, Document& out) {
    out.heading(2, "What to do when");
    for (const Term& term : kTerms) {
        std::vector<std::string> items;
        if (term.when == When::kHour) {
            items.push_back("Keep what is known now, to compare with: " +
                            code("pgleash snapshot save before.json"));
        }
        for (std::size_t i = 0; i < page.findings.size(); ++i) {
            for (std::size_t f = 0; f < page.findings[i].fixes.size(); ++f) {
                const Fix& fix = page.findings[i].fixes[f];
                if (fix.when == term.when) {
                    items.push_back(
                        fmt::format("{}: {}", fix_number(i, f), first_sentence(fix.what)));
                }
            }
        }
        if (term.when != When::kHour) {
            items.push_back("See what has changed: " + code("pgleash plan --before before.json"));
        }
        out.heading(3, term.name);
        out.list(std::move(items));
    }
}

}  // namespace

Document document_of(const Page& page) {
    Document out;
    out.title = page.title;
    out.list(page.summary);
    if (page.changes) {
        what_changed(*page.changes, out);
    }
    if (page.findings.empty()) {
        return out;
    }
    what_is_wrong(page, out);
    fixes(page, out);
    expected_results(page, out);
    how_to_watch(page, out);
    timeline(page, out);
    out.heading(2, "What this plan does not know");
    out.list(page.caveats);
    return out;
}

}  // namespace leash::tool::plan
