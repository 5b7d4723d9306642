#include "commands/watch.h"

#include <cerrno>
#include <ctime>

#include <sys/select.h>

namespace leash::tool {
namespace {

volatile std::sig_atomic_t g_interrupted = 0;

void note_interrupt(int) {
    g_interrupted = 1;
}

}  // namespace

InterruptWatch::InterruptWatch() {
    g_interrupted = 0;
    struct sigaction action {};
    action.sa_handler = note_interrupt;
    sigemptyset(&action.sa_mask);
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(SIGINT, &action, &before_interrupt_);
    sigaction(SIGTERM, &action, &before_terminate_);
}

InterruptWatch::~InterruptWatch() {
    sigaction(SIGINT, &before_interrupt_, nullptr);
    sigaction(SIGTERM, &before_terminate_, nullptr);
}

bool InterruptWatch::requested() const {
    return g_interrupted != 0;
}

void InterruptWatch::sleep(double seconds) const {
    // Blocked except while waiting, so that a signal just before the wait is
    // not slept through.
    sigset_t blocked;
    sigset_t before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    if (g_interrupted == 0) {
        timespec wait{};
        wait.tv_sec = static_cast<time_t>(seconds);
        wait.tv_nsec = static_cast<long>((seconds - static_cast<double>(wait.tv_sec)) * 1e9);
        pselect(0, nullptr, nullptr, nullptr, &wait, &before);
    }
    sigprocmask(SIG_SETMASK, &before, nullptr);
}

std::string screen_of(std::string_view text, std::size_t height) {
    std::string out = "\033[H";
    std::size_t lines = 0;
    while (!text.empty() && lines + 1 < height) {
        const std::size_t end = text.find('\n');
        out += text.substr(0, end);
        out += "\033[K\n";
        ++lines;
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return out + "\033[J";
}

}  // namespace leash::tool
