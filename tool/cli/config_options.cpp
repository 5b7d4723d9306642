// The options of config show.
#include "cli/command_words.h"

namespace leash::tool {
namespace {

constexpr const char* kFooter = R"(
Each setting with its value and where that comes from: the command line, a
variable (PGLEASH_HEALTH_TIMEOUT for "timeout" in the table [health]), FILE:LINE
or the default. The first of these that says anything wins, and of the files
~/.config/pgleash/config.toml over /etc/pgleash/config.toml. PGLEASH_CONFIG
names another file in place of both, or none when it is empty.

Limits of health's checks are listed where they are not the server's. Passwords
are not shown. No server is asked.)";

void declare_show(CLI::App* command, Arguments&) {
    set_footer(command, kFooter);
}

void read_nothing(Options&, const Arguments&) {}

constexpr CommandWord kCommands[] = {
    {Command::kConfigShow, "config show", "list the settings of pgleash and where they come from",
     declare_show, read_nothing},
};

}  // namespace

std::span<const CommandWord> config_commands() {
    return kCommands;
}

}  // namespace leash::tool
