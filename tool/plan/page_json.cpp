// The plan for programs.  Texts are without marks; names are in double quotes in them, and
// as they are in fields of their own.
#include "plan/page.h"
#include "plan/words.h"
#include "render/instant.h"

namespace leash::tool::plan {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Finding& finding);
Json json_of(const Change& change);

const char* name_of(When when) {
    return when == When::kHour ? "hour" : when == When::kDay ? "day" : "week";
}

Json texts(const std::vector<std::string>& lines) {
    Json array = Json::array();
    for (const std::string& line : lines) {
        array.push_back(unmarked(line, true));
    }
    return array;
}

Json json_of(const Fix& fix) {
    return {{"when", name_of(fix.when)},        {"what", unmarked(fix.what, true)},
            {"language", fix.language},         {"text", fix.text},
            {"risk", unmarked(fix.risk, true)}, {"undo", unmarked(fix.undo, false)}};
}

Json json_of(const Expected& expected) {
    return {{"what", unmarked(expected.what, true)},
            {"now", unmarked(expected.now, true)},
            {"after", unmarked(expected.after, true)},
            {"how", unmarked(expected.how, true)}};
}

Json json_of(const Watch& watch) {
    return {{"what", unmarked(watch.what, true)}, {"text", watch.text}};
}

template <class T>
Json list_of(const std::vector<T>& items) {
    Json array = Json::array();
    for (const T& item : items) {
        array.push_back(json_of(item));
    }
    return array;
}

Json json_of(const Finding& finding) {
    Json json;
    json["id"] = finding.id();
    json["kind"] = finding.kind;
    json["cause"] = finding.cause;
    json["application_name"] = finding.application;
    json["title"] = unmarked(finding.title, true);
    json["harm"] = plan::name_of(finding.harm);
    json["hurts"] = unmarked(finding.hurts, true);
    json["frees_connections"] = finding.frees;
    json["evidence"] = texts(finding.evidence);
    json["diagnosis"] = unmarked(finding.diagnosis, true);
    json["fixes"] = list_of(finding.fixes);
    json["expected"] = list_of(finding.expected);
    json["watch"] = list_of(finding.watch);
    return json;
}

Json json_of(const Change& change) {
    return {{"what", unmarked(change.what, true)},
            {"before", unmarked(change.before, true)},
            {"after", unmarked(change.after, true)}};
}

Json json_of(const Changes& changes) {
    return {{"since", instant_text(changes.since.us)}, {"notes", texts(changes.notes)},
            {"numbers", list_of(changes.numbers)},     {"gone", texts(changes.gone)},
            {"added", texts(changes.added)},           {"still", texts(changes.still)}};
}

}  // namespace

void add_json(nlohmann::ordered_json& document, const Page& page) {
    document["title"] = unmarked(page.title, true);
    document["healthy"] = page.findings.empty();
    document["known_since"] = instant_text(page.since.us);
    document["known_minutes"] = page.minutes;
    document["summary"] = texts(page.summary);
    document["changes"] = page.changes ? json_of(*page.changes) : Json(nullptr);
    document["findings"] = list_of(page.findings);
    document["expected"] = list_of(page.expected);
    document["caveats"] = texts(page.caveats);
}

}  // namespace leash::tool::plan
