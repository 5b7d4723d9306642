// More of advice/quoting.h: names that strangers chose, written for a shell, as an SQL
// literal and as a glob.  The text stays one line and one word, and is printable.
#pragma once

#include <string>
#include <string_view>

namespace leash::tool::plan {

std::string shell_word(std::string_view text);   ///< 'it'\''s', or $'...' (bash, zsh)
std::string sql_literal(std::string_view text);  ///< 'it''s', or E'...'

/// The glob that matches this text and, unless it is too long for that, nothing else.
std::string glob_of(std::string_view text);

}  // namespace leash::tool::plan
