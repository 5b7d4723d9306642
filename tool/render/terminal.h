// Where the output goes: a terminal of some size, or a pipe or file.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "render/color.h"

namespace leash::tool {

struct Terminal {
    bool is_terminal = false;
    bool ascii_only = false;  ///< a terminal whose locale is not UTF-8
    bool color = false;
    std::size_t width = 0;   ///< columns; 0 when not a terminal
    std::size_t height = 0;  ///< lines; 0 when not a terminal
};

/// What standard output is.
Terminal detect_terminal(ColorChoice choice);

/// Writes to standard output and flushes; throws Failure when that fails (a
/// full disk must not end with status 0).
void write_output(std::string_view text);

/// A line on standard error: "pgleash: note: ...".
void write_note(std::string_view text);
void write_warning(std::string_view text);
void write_error(std::string_view text);

/// Text as it is to standard error.
void write_progress(std::string_view text);

}  // namespace leash::tool
