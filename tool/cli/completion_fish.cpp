#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/completion.h"

namespace leash::tool {
namespace {

constexpr const char* kHead = R"(# fish completion for pgleash, made by "pgleash completion fish"

function __pgleash_command
    set -l command
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
        else if contains -- $word {0}
            set skip 1
        else if not string match -q -- '-*' $word
            if contains -- (string join ' ' $command $word) {1}
                set command $command $word
            end
        end
    end
    string join ' ' $command
end

function __pgleash_at
    set -l command (__pgleash_command)
    test "$command" = "$argv[1]"
end

complete -c pgleash -f
)";

std::string quoted(const std::string& text) {
    return single_quoted(text, "\\'");
}

// Inside the double quotes of a condition.
std::string at(const std::string& command) {
    return fmt::format("__pgleash_at '{}'", command);
}

std::string option_line(const std::string& condition, const TreeOption& option) {
    std::string out = "complete -c pgleash";
    out += condition.empty() ? "" : fmt::format(" -n \"{}\"", condition);
    for (const std::string& name : option.names) {
        const bool is_long = name.starts_with("--");
        // "-?" would be a pattern.
        out += is_long ? " -l " + name.substr(2) : fmt::format(" -s '{}'", name.substr(1));
    }
    if (option.takes_value()) {
        out += option.is_file() ? " -r -F" : " -x";
    }
    if (!option.choices.empty()) {
        out += fmt::format(" -a '{}'", fmt::join(option.choices, " "));
    }
    return out + (option.text.empty() ? "" : " -d " + quoted(option.text)) + '\n';
}

// Of an option of pgleash itself: not where a command takes other values.
std::string condition_of(const TreeOption& option,
                         const std::vector<const TreeCommand*>& commands) {
    std::string out;
    for (const TreeCommand* command : commands) {
        for (const TreeOption& refined : command->refined) {
            if (std::find(option.names.begin(), option.names.end(), refined.names.front()) !=
                option.names.end()) {
                out += (out.empty() ? "not " : "; and not ") + at(command->name);
            }
        }
    }
    return out;
}

std::string words_that_follow(const TreeCommand& command) {
    std::string out;
    const std::vector<std::string> names = next_words(command);
    std::size_t i = 0;
    for (const TreeCommand& below : command.commands) {
        if (!below.hidden) {
            out += fmt::format("complete -c pgleash -n \"{}\" -a {} -d {}\n", at(command.name),
                               names[i++], quoted(below.text));
        }
    }
    if (!command.words.empty() && command.words.front().is_file()) {
        out += fmt::format("complete -c pgleash -n \"{}\" -F\n", at(command.name));
    }
    return out;
}

}  // namespace

std::string fish_completion(const TreeCommand& root) {
    const std::vector<const TreeCommand*> commands = flattened(root);
    std::vector<std::string> names;
    for (const TreeCommand* command : commands) {
        if (!command->name.empty()) {
            names.push_back(quoted(command->name));
        }
    }
    // "-?" would be a pattern here too.
    std::vector<std::string> with_value = names_with_value(root);
    std::string out = fmt::format(kHead, fmt::join(with_value, " "), fmt::join(names, " "));
    for (const TreeOption& option : root.options) {
        out += option_line(condition_of(option, commands), option);
    }
    for (const TreeCommand* command : commands) {
        out += words_that_follow(*command);
        if (command->name.empty()) {
            continue;
        }
        for (const std::vector<TreeOption>* options : {&command->refined, &command->options}) {
            for (const TreeOption& option : *options) {
                const bool is_help = option.names.back() == "--help";
                out += is_help ? "" : option_line(at(command->name), option);
            }
        }
    }
    return out;
}

}  // namespace leash::tool
