// Says what is wrong with an argument that nobody took.
#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/command_words.h"
#include "cli/suggest.h"

namespace leash::tool {
namespace {

std::vector<std::string> long_options(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options()) {
        for (const std::string& name : option->get_lnames()) {
            names.push_back("--" + name);
        }
    }
    return names;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates,
                         const std::string& otherwise) {
    const std::string guess = closest_word(word, candidates);
    return guess.empty() ? otherwise : fmt::format("did you mean \"{}\"?", guess);
}

[[noreturn]] void refuse_option(const CLI::App& app, const CLI::App* command,
                                const std::string& name) {
    std::vector<std::string> candidates = long_options(app);
    std::string help = "try \"pgleash --help\"";
    if (command != nullptr) {
        const std::vector<std::string> own = long_options(*command);
        if (std::find(own.begin(), own.end(), name) != own.end()) {
            refuse(
                fmt::format("option \"{}\" must stand after the command, as in \"pgleash {} {}\"",
                            name, full_name(*command), name));
        }
        candidates.insert(candidates.end(), own.begin(), own.end());
        help = fmt::format("try \"pgleash {} --help\"", full_name(*command));
    }
    refuse(
        fmt::format("unrecognized option \"{}\"; {}", name, did_you_mean(name, candidates, help)));
}

}  // namespace

void refuse_unrecognized(const CLI::App& app, const std::string& extra) {
    const CLI::App* command = chosen_command(app);
    const std::string name = extra.starts_with("--") ? extra.substr(0, extra.find('=')) : extra;
    if (extra.size() > 1 && extra.front() == '-') {
        refuse_option(app, command, name);
    }
    const bool is_group = command != nullptr && !command->get_subcommands({}).empty();
    if (command == nullptr || is_group) {
        const std::string prefix = is_group ? full_name(*command) + ' ' : "";
        std::vector<std::string> names = command_names();
        std::erase_if(names, [&](const std::string& n) { return !n.starts_with(prefix); });
        const std::string list = fmt::format("{}", fmt::join(names, ", "));
        refuse(fmt::format("unknown command \"{}\"; {}", prefix + extra,
                           did_you_mean(prefix + extra, names, "the commands are " + list)));
    }
    refuse(
        fmt::format("too many arguments for \"{}\" (the first is \"{}\"); try \"pgleash {} "
                    "--help\"",
                    full_name(*command), extra, full_name(*command)));
}

}  // namespace leash::tool
