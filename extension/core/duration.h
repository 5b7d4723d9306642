// Durations as people write and read them: "90s", "5min", "1h 30min".
//
// The units are PostgreSQL's (us ms s min h d), so that a value copied from a
// setting means the same here.  Shared by the server and the tool: no
// allocation, no exceptions, no PostgreSQL header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace leash {

enum class DurationProblem : unsigned char {
    kNone,
    kEmpty,
    kMalformed,
    kNegative,
    kNoUnit,
    kUnknownUnit,
    kTooLarge,
};

struct ParsedDuration {
    std::int64_t microseconds;
    DurationProblem problem;

    constexpr bool ok() const { return problem == DurationProblem::kNone; }
};

/// The largest duration that parse_duration accepts: a million days, in
/// microseconds.
inline constexpr std::int64_t kMaxDurationUs = std::int64_t{1'000'000} * 86'400 * 1'000'000;

/// Room that format_duration needs, with the terminating NUL.
inline constexpr std::size_t kDurationTextSize = 32;

/// Reads one or more numbers with units, largest unit first ("90s", "1.5h",
/// "1h 30min").  A number without a unit is refused: 5 could be anything.
/// Fractions finer than a microsecond are cut off.
ParsedDuration parse_duration(std::string_view text) noexcept;

/// One phrase that says what is wrong, for example "it has no unit".
const char* describe(DurationProblem problem) noexcept;

/// Writes the two largest units that matter ("850ms", "3.2s", "5min 3s",
/// "12d 4h") and a NUL into buffer.  Rounds down, so that an age is never
/// overstated.  Returns the length without the NUL, or 0 when size is below
/// kDurationTextSize.
std::size_t format_duration(std::int64_t microseconds, char* buffer, std::size_t size) noexcept;

}  // namespace leash
