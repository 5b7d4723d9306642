#include "render/terminal.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "failure.h"
#include "render/text.h"

namespace leash::tool {
namespace {

std::size_t positive_variable(const char* name) {
    const char* text = std::getenv(name);
    const long value = text == nullptr ? 0 : std::strtol(text, nullptr, 10);
    return value > 0 ? static_cast<std::size_t>(value) : 0;
}

void measure(Terminal& terminal) {
    winsize size{};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
        terminal.width = size.ws_col;
        terminal.height = size.ws_row;
    }
    if (terminal.width == 0) {
        terminal.width = positive_variable("COLUMNS");
    }
    if (terminal.height == 0) {
        terminal.height = positive_variable("LINES");
    }
    terminal.width = terminal.width == 0 ? 80 : terminal.width;
    terminal.height = terminal.height == 0 ? 24 : terminal.height;
}

void write_line(const char* label, std::string_view text) {
    // Server messages and names come along in here: one line, nothing that
    // could move the cursor.
    const std::string line =
        fmt::format("pgleash: {}: {}\n", label, printable(text, {.collapse_space = true}));
    write_progress(line);
}

}  // namespace

Terminal detect_terminal(ColorChoice choice) {
    Terminal terminal;
    terminal.is_terminal = isatty(STDOUT_FILENO) == 1;
    terminal.color = use_color(choice, {.no_color = std::getenv("NO_COLOR"),
                                        .clicolor_force = std::getenv("CLICOLOR_FORCE"),
                                        .term = std::getenv("TERM"),
                                        .is_terminal = terminal.is_terminal});
    if (terminal.is_terminal) {
        terminal.ascii_only = std::string_view(nl_langinfo(CODESET)) != "UTF-8";
        measure(terminal);
    }
    return terminal;
}

void write_output(std::string_view text) {
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    if (!written || std::fflush(stdout) != 0) {
        throw Failure(fmt::format("could not write to standard output: {}", std::strerror(errno)));
    }
}

void write_progress(std::string_view text) {
    // Nothing can be said when standard error itself fails.
    (void)std::fwrite(text.data(), 1, text.size(), stderr);
    (void)std::fflush(stderr);
}

void write_note(std::string_view text) {
    write_line("note", text);
}
void write_warning(std::string_view text) {
    write_line("warning", text);
}
void write_error(std::string_view text) {
    write_line("error", text);
}

}  // namespace leash::tool
