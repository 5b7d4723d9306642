#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/completion.h"

namespace leash::tool {
namespace {

constexpr const char* kHead = R"(#compdef pgleash
# zsh completion for pgleash, made by "pgleash completion zsh"

_pgleash() {{
    local command='' word='' skip='' prev='' i
    local -a choices
    for ((i = 2; i < CURRENT; i++)); do
        word=${{words[i]}}
        if [[ -n $skip ]]; then
            skip=''
            continue
        fi
        case $word in
        ({0}) skip=1 ;;
        (-*) ;;
        (*)
            case "$command $word" in
            ({1}) command="${{command:+$command }}$word" ;;
            esac
            ;;
        esac
    done
    prev=${{words[CURRENT - 1]}}
    if [[ $PREFIX == --*=* ]]; then
        prev=${{PREFIX%%=*}}
        compset -P '*='
    fi
    case "$command,$prev" in
)";

constexpr const char* kMiddle = R"(    ({0}) return 1 ;;
    esac
    if (( $#choices )); then
        _describe value choices
        return
    fi
    if [[ $PREFIX == -* ]]; then
        choices=({1})
        case $command in
{2}        esac
        _describe -o option choices
        return
    fi
    case $command in
{3}    esac
    _describe command choices
}}

if [[ $funcstack[1] == _pgleash ]]; then
    _pgleash "$@"
else
    compdef _pgleash pgleash
fi
)";

std::string behind(const std::string& command, const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& name : names) {
        out += (out.empty() ? "" : "|") +
               (command.empty() ? "*," + name : single_quoted(command + ',' + name));
    }
    return out;
}

std::string described(const std::string& name, const std::string& text) {
    return single_quoted(name + ':' + text);
}

std::string described(const std::vector<TreeOption>& options) {
    std::string out;
    for (const TreeOption& option : options) {
        for (const std::string& name : option.names) {
            out += (out.empty() ? "" : " ") + described(name, option.text);
        }
    }
    return out;
}

void add_values(std::string& out, const std::string& command,
                const std::vector<TreeOption>& options) {
    for (const TreeOption& option : options) {
        if (!option.choices.empty()) {
            out += fmt::format("    ({}) choices=({}) ;;\n", behind(command, option.names),
                               fmt::join(option.choices, " "));
        } else if (option.is_file()) {
            out += fmt::format("    ({}) _files; return ;;\n", behind(command, option.names));
        }
    }
}

std::string words_that_follow(const std::vector<const TreeCommand*>& commands) {
    std::string out;
    for (const TreeCommand* command : commands) {
        const std::string name = single_quoted(command->name);
        if (!command->commands.empty()) {
            std::string words;
            const std::vector<std::string> names = next_words(*command);
            std::size_t at = 0;
            for (const TreeCommand& below : command->commands) {
                if (!below.hidden) {
                    words += (words.empty() ? "" : " ") + described(names[at++], below.text);
                }
            }
            out += fmt::format("    ({}) choices=({}) ;;\n", name, words);
        } else if (!command->words.empty() && command->words.front().is_file()) {
            out += fmt::format("    ({}) _files; return ;;\n", name);
        } else {
            out += fmt::format("    ({}) return 1 ;;\n", name);
        }
    }
    return out;
}

}  // namespace

std::string zsh_completion(const TreeCommand& root) {
    const std::vector<const TreeCommand*> commands = flattened(root);
    const std::vector<std::string> with_value = names_with_value(root);
    std::string options;
    for (const TreeCommand* command : commands) {
        if (!command->name.empty()) {
            options += fmt::format("        ({}) choices+=({}) ;;\n", single_quoted(command->name),
                                   described(command->options));
        }
    }
    return fmt::format(kHead, fmt::join(with_value, "|"), fmt::join(name_patterns(commands), "|")) +
           values_of(commands, add_values) +
           fmt::format(kMiddle, behind("", with_value), described(root.options), options,
                       words_that_follow(commands));
}

}  // namespace leash::tool
