// completion: for packages and those who set up a shell; help does not list it.
#include <fmt/format.h>

#include "cli/command_words.h"

namespace leash::tool {
namespace {

constexpr const char* kFooter = R"(
Prints a script that completes commands, options and fixed values:

    bash  source <(pgleash completion bash)
    zsh   source <(pgleash completion zsh)
    fish  pgleash completion fish | source

"json" prints the commands and options themselves, for programs.)";

void declare_completion(CLI::App* command, Arguments& arguments) {
    add_value(command, arguments, "shell", "SHELL", "", "bash, zsh, fish or json");
    set_footer(command, kFooter);
}

void read_completion(Options& options, const Arguments& arguments) {
    options.shell = arguments.value("shell").value_or("");
    if (options.shell != "bash" && options.shell != "zsh" && options.shell != "fish" &&
        options.shell != "json") {
        refuse(fmt::format("no script for \"{}\"; completion takes bash, zsh, fish or json",
                           options.shell));
    }
}

constexpr CommandWord kCommands[] = {
    {Command::kCompletion, "completion", "print a completion script for a shell",
     declare_completion, read_completion, true},
};

}  // namespace

std::span<const CommandWord> completion_commands() {
    return kCommands;
}

}  // namespace leash::tool
