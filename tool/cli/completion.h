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

/// The last words of the names of the commands in a group.
std::vector<std::string> next_words(const TreeCommand& command);

/// In single quotes, as all three shells read them.
std::string single_quoted(const std::string& text, const char* quote = "'\\''");

}  // namespace leash::tool
