#include "commands/confirm.h"

#include <cstdio>
#include <unistd.h>

#include "render/terminal.h"

namespace leash::tool {
namespace {

std::string ask(const std::string& question) {
    write_progress(question);
    std::string answer;
    int c = 0;
    while ((c = std::fgetc(stdin)) != EOF && c != '\n') {
        answer += static_cast<char>(c);
    }
    if (c == EOF) {
        write_progress("\n");
    }
    while (!answer.empty() && (answer.back() == ' ' || answer.back() == '\r')) {
        answer.pop_back();
    }
    return answer;
}

}  // namespace

bool can_ask() {
    return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

bool confirm(const std::string& question) {
    const std::string answer = ask(question + " [y/N] ");
    return answer == "y" || answer == "Y" || answer == "yes";
}

bool confirm_number(const std::string& question, std::size_t number) {
    return ask(question) == std::to_string(number);
}

}  // namespace leash::tool
