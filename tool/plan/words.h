// Words of a plan: numbers as people read them, and what strangers named.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "evidence/evidence.h"

namespace leash::tool::plan {

// What stands between these two is code: a name, a statement, a command.  Neither can come
// from a stranger through code(), and if one did, all that would change is a typeface.
inline constexpr char kCodeBegin = '\x0e';
inline constexpr char kCodeEnd = '\x0f';

/// Text of a stranger or for a shell, marked as code: what could move the cursor, hide or
/// reorder other text is made visible, white space becomes one blank, and it is cut to at
/// most `width` columns.
std::string code(std::string_view text, std::size_t width = 120);

/// Text of several lines, for code: each as a terminal may show it.
std::string printable_lines(std::string_view text);

/// The text without marks: code in double quotes if `quoted`.
std::string unmarked(std::string_view text, bool quoted);

/// "1 session", "1,234 sessions".
std::string counted(std::int64_t count, std::string_view noun);
std::string number(std::int64_t count);
/// With as many digits as matter: "0.04", "3.7", "128".
std::string amount(double value);
/// A share of 0 to 1: "93.4 %".
std::string percent(double share);
/// "3.2s", "4h 12min".
std::string duration(double seconds);
/// "2026-05-12 14:05 UTC".
std::string moment(Instant instant);
/// Blocks of 8 kB: "1.5 GB".
std::string size_of_blocks(std::int64_t blocks);

/// "`shop-api` (role `shop`, database `orders`)".
std::string who(const std::string& application, const std::string& role,
                const std::string& database);

/// "a", "a and b", "a, b and c".
std::string listed(const std::vector<std::string>& items);

}  // namespace leash::tool::plan
