#include "connection/prompt.h"

#include <cstdio>
#include <memory>
#include <optional>
#include <termios.h>
#include <unistd.h>

#include "failure.h"

namespace leash::tool {
namespace {

struct Close {
    void operator()(std::FILE* file) const { (void)std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

// Switches echo off while it lives.
class Silence {
public:
    explicit Silence(int descriptor) : descriptor_(descriptor) {
        active_ = tcgetattr(descriptor, &before_) == 0;
        if (active_) {
            termios silent = before_;
            silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
            tcsetattr(descriptor, TCSAFLUSH, &silent);
        }
    }
    ~Silence() {
        if (active_) {
            tcsetattr(descriptor_, TCSAFLUSH, &before_);
        }
    }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;

private:
    int descriptor_;
    bool active_ = false;
    termios before_{};
};

// Nothing at the end of the file.
std::optional<std::string> read_line(std::FILE* in) {
    std::string line;
    int c = 0;
    while ((c = std::fgetc(in)) != EOF && c != '\n') {
        line += static_cast<char>(c);
    }
    return c == EOF && line.empty() ? std::nullopt : std::optional(line);
}

}  // namespace

std::string prompt_password(const std::string& question) {
    const File input(std::fopen("/dev/tty", "r"));
    const File output(std::fopen("/dev/tty", "w"));
    const bool have_terminal = input != nullptr && output != nullptr;
    std::FILE* in = have_terminal ? input.get() : stdin;
    std::FILE* out = have_terminal ? output.get() : stderr;

    std::optional<std::string> password;
    {
        const Silence silence(fileno(in));
        (void)std::fputs(question.c_str(), out);
        (void)std::fflush(out);
        password = read_line(in);
    }
    (void)std::fputs("\n", out);
    (void)std::fflush(out);
    if (!password) {
        throw Failure("no password was given; use PGPASSWORD or ~/.pgpass where nobody can type");
    }
    return *password;
}

}  // namespace leash::tool
