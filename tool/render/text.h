// Text that came from strangers, made fit for a terminal: application names,
// role names and statements may hold anything, escape sequences included.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace leash::tool {

struct TextStyle {
    bool collapse_space = false;  ///< any run of white space becomes one blank
    bool ascii_only = false;      ///< the terminal cannot show more: escape the rest
};

/// One decoded character of UTF-8 text.
struct Glyph {
    char32_t code = 0;
    std::size_t length = 1;  ///< bytes
    bool valid = false;      ///< false: one byte that is no UTF-8
};

/// Decodes the character at text[position]; position must be inside text.
/// Overlong forms, surrogates and codes above U+10FFFF are invalid.
Glyph decode_utf8(std::string_view text, std::size_t position);

/// Columns that one character takes on a terminal: 0, 1 or 2, or -1 when it is
/// not printable.  Does not depend on the locale of the environment.
int glyph_width(char32_t code);

/// Whether a character can be shown as it is: it is printable, visible, and does
/// not change the direction of what follows.
bool is_plain(char32_t code);

/// Replaces whatever could move the cursor, reorder, hide or corrupt other text
/// by a visible escape: \n, \x1b, \u202e; bytes that are no UTF-8 become \xNN.
std::string printable(std::string_view text, TextStyle style = {});

/// Columns that printable text takes on a terminal.
std::size_t display_width(std::string_view text);

/// Cuts printable text to at most width columns; the last one is then an
/// ellipsis.
std::string shorten(std::string_view text, std::size_t width, bool ascii_only = false);

/// The text with every byte that is no UTF-8 replaced by U+FFFD.
std::string valid_utf8(std::string_view text);

}  // namespace leash::tool
