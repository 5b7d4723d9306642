#include "cli/help_text.h"

#include <string_view>

namespace leash::tool {
namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t at = text.find(from); at != std::string::npos;
         at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
}

}  // namespace

std::string cleaned_help(std::string help) {
    replace_all(help, "\n\n\n", "\n\n");
    for (std::size_t at = help.find(",--"); at != std::string::npos; at = help.find(",--", at)) {
        help.insert(at + 1, 1, ' ');
        if (const std::size_t gap = help.find("  ", at); gap != std::string::npos) {
            help.erase(gap, 1);
        }
    }
    replace_all(help, "[OPTIONS] [SUBCOMMAND]", "[OPTIONS] COMMAND [OPTIONS]");
    replace_all(help, "[OPTIONS] [FILE]", "[OPTIONS] FILE");
    replace_all(help, "\nUsage:", "\n\nUsage:");
    while (help.ends_with("\n\n")) {
        help.pop_back();
    }
    return help;
}

}  // namespace leash::tool
