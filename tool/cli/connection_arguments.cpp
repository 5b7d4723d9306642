#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <libpq-fe.h>

#include "cli/options.h"

namespace leash::tool {
namespace {

bool holds_password(const std::string& dbname) {
    char* message = nullptr;
    PQconninfoOption* parts = PQconninfoParse(dbname.c_str(), &message);
    PQfreemem(message);
    bool found = false;
    for (const PQconninfoOption* part = parts; part != nullptr && part->keyword != nullptr;
         ++part) {
        found = found ||
                (std::string_view(part->keyword).ends_with("password") && part->val != nullptr);
    }
    PQconninfoFree(parts);
    return found;
}

std::string shell_quoted(const std::string& text) {
    const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("_-./:@%+=,").find(c) != std::string_view::npos;
    });
    if (plain) {
        return text;
    }
    std::string out = "'";
    for (const char c : text) {
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    return out + "'";
}

}  // namespace

std::string connection_arguments(const ConnectionOptions& connection) {
    if (connection.dbname && holds_password(*connection.dbname)) {
        return {};
    }
    std::string out;
    const auto add = [&](const char* option, const std::optional<std::string>& value) {
        if (value) {
            out += fmt::format("{} {} ", option, shell_quoted(*value));
        }
    };
    add("-h", connection.host);
    add("-p", connection.port);
    add("-U", connection.user);
    add("-d", connection.dbname);
    return out;
}

}  // namespace leash::tool
