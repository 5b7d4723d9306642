// Completion scripts for shells, made from the commands themselves.
#pragma once

#include <string>
#include <vector>

#include "cli/tree.h"

namespace leash::tool {

/// For shell, which is bash, zsh or fish; json is the tree itself.
std::string completion_text(const TreeCommand& root, const std::string& shell);

std::string bash_completion(const TreeCommand& root);
std::string zsh_completion(const TreeCommand& root);
std::string fish_completion(const TreeCommand& root);

/// Names of all options, of any command, behind which a value stands.
std::vector<std::string> names_with_value(const TreeCommand& root);

/// The choices and files that options take, as patterns of case: `add` writes those of some
/// options of a command.  What is refined for a command comes before what is common, and
/// what lies deep before what lies above.
using AddValues = void (*)(std::string& out, const std::string& command,
                           const std::vector<TreeOption>& options);
std::string values_of(const std::vector<const TreeCommand*>& commands, AddValues add);

/// Patterns of case for the names of commands, that of each in a group with its group's.
std::vector<std::string> name_patterns(const std::vector<const TreeCommand*>& commands);

/// The last words of the names of the commands in a group.
std::vector<std::string> next_words(const TreeCommand& command);

/// In single quotes, as all three shells read them.
std::string single_quoted(const std::string& text, const char* quote = "'\\''");

}  // namespace leash::tool
