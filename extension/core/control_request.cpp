#include "control_request.h"

#include <cstring>

namespace leash {
namespace {

constexpr std::string_view kGreeting = "pgleash";

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

// Takes the next word off `rest`; empty at its end.
std::string_view take_word(std::string_view& rest) {
    const size_t start = rest.find_first_not_of(' ');
    if (start == std::string_view::npos) {
        rest = {};
        return {};
    }
    rest.remove_prefix(start);
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(word.size());
    return word;
}

// Takes the words of a verb; a verb of two is "reap dry".
bool take_verb(std::string_view& rest, ControlVerb& verb) {
    const std::string_view first = take_word(rest);
    for (int i = 0; i < kControlVerbs; i++) {
        std::string_view name = name_of(static_cast<ControlVerb>(i));
        if (first.empty() || take_word(name) != first) {
            continue;
        }
        const std::string_view second = take_word(name);
        std::string_view after = rest;
        if (second.empty() || take_word(after) == second) {
            verb = static_cast<ControlVerb>(i);
            rest = second.empty() ? rest : after;
            return true;
        }
    }
    return false;
}

RequestProblem take_session(std::string_view& rest, SessionId& session) {
    const std::string_view word = take_word(rest);
    if (word.empty()) {
        return RequestProblem::no_session_id;
    }
    char text[kSessionIdLength + 1];
    if (word.size() >= sizeof text) {
        return RequestProblem::bad_session_id;
    }
    memcpy(text, word.data(), word.size());
    text[word.size()] = '\0';
    return parse_session_id(text, session) ? RequestProblem::none : RequestProblem::bad_session_id;
}

// "reason" and all that follows it.
RequestProblem take_reason(std::string_view& rest, char* reason) {
    std::string_view after = rest;
    if (take_word(after) != "reason") {
        return RequestProblem::none;
    }
    after.remove_prefix(after.empty() ? 0 : 1);  // the blank
    if (after.size() >= kControlReasonSize) {
        return RequestProblem::reason_too_long;
    }
    memcpy(reason, after.data(), after.size());
    reason[after.size()] = '\0';
    rest = {};
    return RequestProblem::none;
}

RequestProblem take_arguments(std::string_view& rest, ControlRequest& request) {
    if (names_session(request.verb)) {
        const RequestProblem problem = take_session(rest, request.session);
        if (problem != RequestProblem::none) {
            return problem;
        }
    }
    if (request.verb != ControlVerb::terminate) {
        return RequestProblem::none;
    }
    std::string_view after = rest;
    if (take_word(after) == "force") {
        request.force = true;
        rest = after;
    }
    return take_reason(rest, request.reason);
}

}  // namespace

RequestProblem parse_control_request(std::string_view line, ControlRequest& request) {
    request = {};
    for (const char c : line) {
        if (is_control(c)) {
            return RequestProblem::control_character;
        }
    }
    if (take_word(line) != kGreeting) {
        return RequestProblem::not_ours;
    }
    static_assert(kControlVersion == 1);
    if (take_word(line) != "1") {
        return RequestProblem::other_version;
    }
    if (!take_verb(line, request.verb)) {
        return RequestProblem::unknown_verb;
    }
    const RequestProblem problem = take_arguments(line, request);
    if (problem != RequestProblem::none) {
        return problem;
    }
    return take_word(line).empty() ? RequestProblem::none : RequestProblem::too_many_words;
}

const char* describe(RequestProblem problem) {
    switch (problem) {
        case RequestProblem::control_character:
            return "the request has a control character in it";
        case RequestProblem::not_ours:
            return "the request does not begin with \"pgleash\"";
        case RequestProblem::other_version:
            return "the request is of another version of the protocol";
        case RequestProblem::unknown_verb:
            return "the request is not known";
        case RequestProblem::no_session_id:
            return "the request lacks a session id";
        case RequestProblem::bad_session_id:
            return "invalid session id";
        case RequestProblem::too_many_words:
            return "the request has too many words";
        case RequestProblem::reason_too_long:
            return "the reason is too long";
        case RequestProblem::none:
            break;
    }
    return "";
}

size_t format_control_request(const ControlRequest& request, char* buffer) {
    size_t length = 0;
    const auto add = [&](const char* text) {
        const size_t size = strlen(text);
        memcpy(buffer + length, text, size);
        length += size;
    };
    add("pgleash 1 ");
    add(name_of(request.verb));
    if (names_session(request.verb)) {
        char id[kSessionIdLength + 1];
        format_session_id(request.session, id);
        add(" ");
        add(id);
    }
    if (request.verb == ControlVerb::terminate && request.force) {
        add(" force");
    }
    if (request.verb == ControlVerb::terminate && request.reason[0] != '\0') {
        add(" reason ");
        add(request.reason);
        for (size_t i = 0; i < length; i++) {
            buffer[i] = is_control(buffer[i]) ? ' ' : buffer[i];
        }
    }
    add("\n");
    buffer[length] = '\0';
    return length;
}

}  // namespace leash
