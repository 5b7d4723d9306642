#include "connection/connect_error.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace leash::tool {
namespace {

constexpr std::string_view kSeverityGap = ":  ";

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        if (end > 0) {
            lines.push_back(text.substr(0, end));
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

bool is_sqlstate(std::string_view text) {
    return text.size() == 5 && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
           });
}

// "FATAL:  53300: sorry" loses its code, which is returned; the severity may be
// in any language, the two blanks are not.
std::string take_sqlstate(std::string& line) {
    for (std::size_t at = line.find(kSeverityGap); at != std::string::npos;
         at = line.find(kSeverityGap, at + 1)) {
        const std::size_t start = at + kSeverityGap.size();
        if (start + 7 <= line.size() && is_sqlstate(std::string_view(line).substr(start, 5)) &&
            line.compare(start + 5, 2, ": ") == 0) {
            std::string code = line.substr(start, 5);
            line.erase(start, 7);
            return code;
        }
    }
    return {};
}

// Continuation lines: advice that is indented, and the fields of a verbose
// message (LOCATION and the like), which have the two blanks as well.
bool is_new_failure(std::string_view line, bool first) {
    if (first) {
        return true;
    }
    return line.front() != '\t' && line.front() != ' ' &&
           line.find(" failed: ") != std::string_view::npos;
}

// "LOCATION:  InitProcess, proc.c:355", the label in any language.
std::string function_of(std::string_view line) {
    const std::size_t start = line.find(kSeverityGap);
    const std::size_t end = line.find(", ");
    if (start == std::string_view::npos || end == std::string_view::npos || end < start ||
        line.find(".c:", end) == std::string_view::npos) {
        return {};
    }
    return std::string(line.substr(start + kSeverityGap.size(), end - start - kSeverityGap.size()));
}

std::string_view reason_of(std::string_view line) {
    constexpr std::string_view kFailed = " failed: ";
    const std::size_t at = line.find(kFailed);
    return at == std::string_view::npos ? line : line.substr(at + kFailed.size());
}

// One code stands for four limits.
std::string remedy_for_full(const std::string& function) {
    if (function == "InitPostgres") {
        return "the server is full: connect as a superuser, for whom slots are reserved (-U)";
    }
    if (function == "InitializeSessionUserId") {
        return "the role's CONNECTION LIMIT is reached: connect as another one with -U";
    }
    if (function == "CheckMyDatabase") {
        return "the database's CONNECTION LIMIT is reached: name another one with -d";
    }
    return "the server is full, reserved slots included: end a client, or use a session that is "
           "connected already";
}

std::string remedy_for(const ConnectError& error) {
    const std::string& code = error.sqlstate;
    if (code == "53300") {
        return remedy_for_full(error.function);
    }
    if (code == "28P01") {
        return "check the password (-W asks for it, ~/.pgpass keeps it)";
    }
    if (code == "28000") {
        return "check -U, and pg_hba.conf on the server";
    }
    if (code == "3D000") {
        return "name a database with -d";
    }
    if (code == "57P03") {
        return "try again in a moment";
    }
    if (!code.empty()) {
        return {};
    }
    const auto says = [&](std::string_view phrase) {
        return error.message.find(phrase) != std::string::npos;
    };
    if (says("no password supplied")) {
        return "give it with -W, PGPASSWORD or ~/.pgpass";
    }
    if (says(" failed: ")) {
        return "check that the server runs there (-h, -p)";
    }
    return {};
}

}  // namespace

std::string first_line(std::string_view text) {
    return std::string(text.substr(0, std::min(text.find('\n'), text.size())));
}

ConnectError parse_connect_error(std::string_view text) {
    ConnectError error;
    std::vector<std::string> failures;
    for (const std::string_view line : lines_of(text)) {
        if (!is_new_failure(line, failures.empty())) {
            if (const std::string function = function_of(line); !function.empty()) {
                error.function = function;
            }
            continue;
        }
        std::string failure(line);
        const std::string code = take_sqlstate(failure);
        if (!code.empty()) {
            error.sqlstate = code;
        }
        // localhost is two addresses, and mostly fails alike on both.
        const auto same = std::find_if(failures.begin(), failures.end(), [&](const auto& other) {
            return reason_of(other) == reason_of(failure);
        });
        if (same == failures.end()) {
            failures.push_back(failure);
        } else {
            *same = failure;
        }
    }
    error.message = fmt::format("{}", fmt::join(failures, "; "));
    return error;
}

bool is_server_full(const ConnectError& error) {
    return error.sqlstate == "53300" && error.function != "InitializeSessionUserId" &&
           error.function != "CheckMyDatabase";
}

std::string explain_connect_error(std::string_view text) {
    const ConnectError error = parse_connect_error(text);
    const std::string remedy = remedy_for(error);
    return remedy.empty() ? error.message : fmt::format("{}; {}", error.message, remedy);
}

}  // namespace leash::tool
