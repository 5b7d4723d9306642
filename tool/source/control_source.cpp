#include "source/control_source.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "render/terminal.h"
#include "render/text.h"

namespace leash::tool {
namespace {

ControlVerb verb_of(Listing listing) {
    switch (listing) {
        case Listing::kSessions:
            return ControlVerb::sessions;
        case Listing::kLeaks:
        case Listing::kLeakGroups:
            return ControlVerb::leaks;
        case Listing::kSlow:
            return ControlVerb::slow;
        case Listing::kConnections:
            return ControlVerb::status;
        case Listing::kReapLog:
            return ControlVerb::reap_log;
        case Listing::kHealth:
            return ControlVerb::health;
        case Listing::kApplications:
        case Listing::kSlowSummary:
        case Listing::kOrphans:
        case Listing::kHistory:
            break;
    }
    throw Failure("the worker's socket does not have this listing");
}

std::string text_of(const nlohmann::json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

long number_of(const nlohmann::json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_number() ? found->get<long>() : 0;
}

// "15.20 (Debian 15.20-0+deb12u1)": the packager's part says nothing here.
std::string short_version(const std::string& version) {
    return version.substr(0, version.find(' '));
}

RawRows rows_of(const nlohmann::json& document) {
    RawRows raw;
    const auto columns = document.find("columns");
    const auto rows = document.find("rows");
    if (columns == document.end() || !columns->is_array() || rows == document.end() ||
        !rows->is_array()) {
        throw ControlError(ControlError::Reason::strange, "the worker's answer has no rows");
    }
    for (const nlohmann::json& name : *columns) {
        raw.columns.push_back(name.is_string() ? name.get<std::string>() : std::string());
    }
    for (const nlohmann::json& values : *rows) {
        Row& row = raw.rows.emplace_back();
        for (const nlohmann::json& value : values) {
            row.push_back(value.is_string() ? Cell(value.get<std::string>()) : std::nullopt);
        }
        row.resize(raw.columns.size());
    }
    return raw;
}

ControlRequest request_about(ControlVerb verb, const std::string& session_id) {
    ControlRequest request{};
    request.verb = verb;
    parse_session_id(session_id.c_str(), request.session);
    return request;
}

// As much of it as the request has room for, whole characters only.
void set_reason(ControlRequest& request, const std::string& reason) {
    const std::string text = valid_utf8(reason);
    std::size_t length = 0;
    while (length < text.size()) {
        const std::size_t next = length + decode_utf8(text, length).length;
        if (next >= kControlReasonSize) {
            break;
        }
        length = next;
    }
    std::memcpy(request.reason, text.data(), length);
}

std::string outcome_of(const RawRows& raw) {
    const auto at = std::find(raw.columns.begin(), raw.columns.end(), "outcome");
    if (raw.rows.empty() || at == raw.columns.end()) {
        return "refused: no answer";
    }
    return raw.rows[0][static_cast<std::size_t>(at - raw.columns.begin())].value_or("");
}

}  // namespace

void ControlSource::note_server(const nlohmann::json& server) {
    server_.version = short_version(text_of(server, "version"));
    server_.version_number = static_cast<int>(number_of(server, "version_num"));
    server_.extension_version = text_of(server, "library_version");
    server_.host = directory_;
    server_.port = port_;
    server_.now = text_of(server, "now");
    server_.over_control_socket = true;
    free_slots_ = number_of(server, "max_connections") - number_of(server, "reserved") -
                  number_of(server, "used");
    last_refusal_ = text_of(server, "refused_last_at");
}

RawRows ControlSource::ask(const ControlRequest& request) {
    const nlohmann::json document = ask_worker(directory_, port_, request);
    if (document.contains("error")) {
        const std::string code = text_of(document, "sqlstate");
        const std::string message = text_of(document, "error");
        if (code == "42501") {
            throw ControlError(ControlError::Reason::denied,
                               fmt::format("the worker's socket \"{}\": {}", path(), message));
        }
        throw QueryError(message, code);
    }
    note_server(document.value("server", nlohmann::json::object()));
    if (const std::string notice = text_of(document, "notice"); !notice.empty()) {
        write_note(notice);
    }
    if (const long omitted = number_of(document, "omitted"); omitted > 0) {
        write_warning(fmt::format("{} more rows did not fit the worker's answer", omitted));
    }
    return rows_of(document);
}

RawRows ControlSource::ask(ControlVerb verb) {
    ControlRequest request{};
    request.verb = verb;
    return ask(request);
}

ServerInfo ControlSource::server() {
    ask(ControlVerb::status);
    return server_;
}

Dataset ControlSource::rows(const Selection& selection) {
    const RawRows sessions = needs_sessions(selection) ? ask(ControlVerb::sessions) : RawRows{};
    return select_rows(ask(verb_of(selection.listing)), selection, sessions);
}

std::string ControlSource::terminate(const std::string& session_id,
                                     const std::optional<std::string>& reason, bool force) {
    ControlRequest request = request_about(ControlVerb::terminate, session_id);
    request.force = force;
    set_reason(request, reason.value_or(""));
    return outcome_of(ask(request));
}

std::string ControlSource::cancel(const std::string& session_id,
                                  const std::optional<std::string>&) {
    return outcome_of(ask(request_about(ControlVerb::cancel, session_id)));
}

Dataset ControlSource::reap(bool dry_run) {
    const RawRows raw = ask(dry_run ? ControlVerb::reap_dry : ControlVerb::reap_now);
    return select_rows(raw, {.listing = Listing::kReapLog}, {});
}

Connection& ControlSource::connection() {
    throw Failure(
        "the server is full, and this cannot be done over the worker's socket; \"pgleash leaks\" "
        "shows whom to end first");
}

Failure ControlSource::explain(const QueryError& error, Purpose) {
    return Failure(
        fmt::format("the worker refused: {} (SQLSTATE {})", error.what(), error.sqlstate()));
}

}  // namespace leash::tool
