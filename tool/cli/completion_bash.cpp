#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/completion.h"

namespace leash::tool {
namespace {

constexpr const char* kHead = R"(# bash completion for pgleash, made by "pgleash completion bash"
_pgleash_files() {{
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$1")
}}

_pgleash() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev='' command='' word='' skip='' words='' i
    if ((COMP_CWORD > 0)); then
        prev=${{COMP_WORDS[COMP_CWORD - 1]}}
    fi
    # "--option=value" is three words here.
    if [[ $cur == = ]]; then
        cur=''
    elif [[ $prev == = ]] && ((COMP_CWORD > 1)); then
        prev=${{COMP_WORDS[COMP_CWORD - 2]}}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${{COMP_WORDS[i]}}
        if [[ $word == = ]]; then
            continue
        elif [[ -n $skip ]]; then
            skip=''
            continue
        fi
        case $word in
        {0}) skip=1 ;;
        -*) ;;
        *)
            case "$command $word" in
            {1}) command="${{command:+$command }}$word" ;;
            esac
            ;;
        esac
    done
    COMPREPLY=()
    case "$command,$prev" in
)";

constexpr const char* kMiddle = R"(    {0}) return ;;
    *)
        if [[ $cur == -* ]]; then
            words={1}
            case $command in
)";

constexpr const char* kTail = R"(            esac
        fi
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}}

complete -F _pgleash pgleash
)";

std::string quoted_words(const std::vector<std::string>& words) {
    return single_quoted(fmt::format("{}", fmt::join(words, " ")));
}

// "*,-o | *,--output": behind each of an option's names.
std::string behind(const std::string& command, const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& name : names) {
        out += (out.empty() ? "" : " | ") +
               (command.empty() ? "*," + name : single_quoted(command + ',' + name));
    }
    return out;
}

std::vector<std::string> all_names(const std::vector<TreeOption>& options) {
    std::vector<std::string> names;
    for (const TreeOption& option : options) {
        names.insert(names.end(), option.names.begin(), option.names.end());
    }
    return names;
}

void add_values(std::string& out, const std::string& command,
                const std::vector<TreeOption>& options) {
    for (const TreeOption& option : options) {
        if (!option.choices.empty()) {
            out += fmt::format("    {}) words={} ;;\n", behind(command, option.names),
                               quoted_words(option.choices));
        } else if (option.is_file()) {
            out += fmt::format(
                "    {})\n        _pgleash_files \"$cur\"\n        return\n        ;;\n",
                behind(command, option.names));
        }
    }
}

// Those that the patterns before have not caught yet, whatever the command.
std::vector<std::string> without_choices(const TreeCommand& root, std::vector<std::string> names) {
    for (const TreeOption& option : root.options) {
        if (!option.choices.empty()) {
            std::erase_if(names, [&](const std::string& name) {
                return std::find(option.names.begin(), option.names.end(), name) !=
                       option.names.end();
            });
        }
    }
    return names;
}

std::string words_that_follow(const std::vector<const TreeCommand*>& commands) {
    std::string out;
    for (const TreeCommand* command : commands) {
        const std::string name = single_quoted(command->name);
        if (!command->commands.empty()) {
            out += fmt::format("            {}) words={} ;;\n", name,
                               quoted_words(next_words(*command)));
        } else if (!command->words.empty() && command->words.front().is_file()) {
            out += fmt::format(
                "            {})\n                _pgleash_files \"$cur\"\n                return\n"
                "                ;;\n",
                name);
        }
    }
    return out;
}

}  // namespace

std::string bash_completion(const TreeCommand& root) {
    const std::vector<const TreeCommand*> commands = flattened(root);
    const std::vector<std::string> with_value = names_with_value(root);
    std::string options;
    for (const TreeCommand* command : commands) {
        if (!command->name.empty()) {
            options += fmt::format(
                "            {}) words+={} ;;\n", single_quoted(command->name),
                single_quoted(fmt::format(" {}", fmt::join(all_names(command->options), " "))));
        }
    }
    std::string out =
        fmt::format(kHead, fmt::join(with_value, " | "), fmt::join(name_patterns(commands), " | "));
    out += values_of(commands, add_values);
    out += fmt::format(kMiddle, behind("", without_choices(root, with_value)),
                       quoted_words(all_names(root.options)));
    out += options + "            esac\n        else\n            case $command in\n";
    return out + words_that_follow(commands) + fmt::format(kTail);
}

}  // namespace leash::tool
