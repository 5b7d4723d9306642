// When to colour, and which colours.  They are Okabe and Ito's, which people
// with a red-green deficiency can tell apart; the words say the same anyway.
#pragma once

#include <string>
#include <string_view>

namespace leash::tool {

enum class ColorChoice { kAuto, kAlways, kNever };

/// What the environment says about colour; nullptr for an unset variable.
struct ColorEnvironment {
    const char* no_color = nullptr;
    const char* clicolor_force = nullptr;
    const char* term = nullptr;
    bool is_terminal = false;
};

enum class Paint { kNone, kBold, kDim, kActive, kWaiting, kBad, kGood };

/// NO_COLOR wins over --color, --color over CLICOLOR_FORCE, that over what the
/// output is.
bool use_color(ColorChoice choice, const ColorEnvironment& environment);

/// The text between the escape sequences of a colour.
std::string painted(std::string_view text, Paint paint);

/// The colour of a state, a kind of leak, an outcome or the result of a check.
Paint paint_of(std::string_view word);

}  // namespace leash::tool
