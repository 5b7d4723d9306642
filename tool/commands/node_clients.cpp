#include "commands/node_clients.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include <fmt/format.h>

#include "render/terminal.h"

namespace leash::tool {
namespace {

constexpr std::string_view kWords[] = {"node", "nodejs", "pg",   "npm",
                                       "next", "nextjs", "nest", "nestjs"};

// pg_dump is one word, and not pg.
bool belongs_to_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

}  // namespace

bool may_be_node(const std::string& application) {
    if (application.empty()) {
        return true;
    }
    std::string word;
    for (const char c : application + ' ') {
        if (belongs_to_word(c)) {
            word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
            continue;
        }
        if (std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords)) {
            return true;
        }
        word.clear();
    }
    return false;
}

void warn_of_node_clients(std::size_t count) {
    if (count == 0) {
        return;
    }
    write_note(fmt::format(
        "{} may be {} of node-postgres, by application name or for want of one: without an "
        "'error' listener on its pool, such a client's whole process ends with the session",
        count, count == 1 ? "a client" : "clients"));
}

}  // namespace leash::tool
