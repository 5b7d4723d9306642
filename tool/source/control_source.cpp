#include "source/control_source.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "render/terminal.h"
#include "render/text.h"
#include "source/control_answer.h"

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

// "15.20 (Debian 15.20-0+deb12u1)": the packager's part says nothing here.
std::string short_version(const std::string& version) {
    return version.substr(0, version.find(' '));
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
    server_.version = short_version(answer_text(server, "version"));
    server_.version_number = answer_number(server, "version_num");
    server_.extension_version = answer_text(server, "library_version");
    server_.host = directory_;
    server_.port = port_;
    server_.now = answer_text(server, "now");
    server_.over_control_socket = true;
    free_slots_ = long{answer_number(server, "max_connections")} -
                  answer_number(server, "reserved") - answer_number(server, "used");
    last_refusal_ = answer_text(server, "refused_last_at");
}

RawRows ControlSource::ask(const ControlRequest& request) {
    const nlohmann::json document = ask_worker(directory_, port_, request);
    if (document.contains("error")) {
        const std::string code = answer_text(document, "sqlstate");
        const std::string message = answer_text(document, "error");
        if (code == "42501") {
            throw ControlError(ControlError::Reason::denied,
                               fmt::format("the worker's socket \"{}\": {}", path(), message));
        }
        throw QueryError(message, code);
    }
    note_server(document.value("server", nlohmann::json::object()));
    if (const std::string notice = answer_text(document, "notice"); !notice.empty()) {
        write_note(notice);
    }
    if (const int omitted = answer_number(document, "omitted"); omitted > 0) {
        write_warning(fmt::format("{} more rows did not fit the worker's answer", omitted));
    }
    return rows_of_answer(document);
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
