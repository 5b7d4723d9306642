#include "serve/kept_server.h"

#include <chrono>
#include <cmath>

#include <fmt/format.h>

#include "render/terminal.h"
#include "serve/notify.h"
#include "source/open_source.h"

namespace leash::tool {
namespace {

using Clock = std::chrono::steady_clock;

// A connection that broke while nobody looked fails at once.
constexpr auto kAtOnce = std::chrono::seconds(1);
// What the server's own limit for a statement may be late by.
constexpr double kGraceSeconds = 0.5;

Options kept_options(const Options& options, double seconds) {
    Options own = options;
    own.connection.prompt = PasswordPrompt::kNever;  // nobody is there to be asked
    own.connection.settings = {
        {"default_transaction_read_only", "on"},
        {"statement_timeout", fmt::format("{:.0f}", std::ceil(seconds * 1000))},
    };
    own.connection.patience_seconds = seconds + kGraceSeconds;
    own.watch_seconds = 1;  // back to SQL as soon as a full server has room again
    return own;
}

}  // namespace

KeptServer::KeptServer(const Options& options, double seconds)
    : options_(kept_options(options, seconds)) {}

void KeptServer::ask(const std::function<void(Source&)>& question) {
    try {
        if (!ask_kept(question)) {
            source_ = open_source(options_);
            question(*source_);
        }
    } catch (const std::exception& error) {
        if (!is_usable()) {
            source_.reset();
        }
        note_lost(error.what());
        throw;
    }
    note_back();
}

// False when a new connection is to be tried: the server may have been restarted.
bool KeptServer::ask_kept(const std::function<void(Source&)>& question) {
    if (source_ == nullptr) {
        return false;
    }
    const Clock::time_point begun = Clock::now();
    try {
        question(*source_);
        return true;
    } catch (const std::exception&) {
        if (is_usable() || Clock::now() - begun > kAtOnce) {
            throw;
        }
        source_.reset();
        return false;
    }
}

// The worker's socket, of which every question is on its own, is looked for anew.
bool KeptServer::is_usable() {
    try {
        return source_ != nullptr && source_->connection().is_alive();
    } catch (const Failure&) {
        return false;
    }
}

void KeptServer::note_lost(const std::string& why) {
    notify_manager("STATUS=the server cannot be asked: " + why);
    if (!lost_) {
        write_warning(fmt::format("the server cannot be asked, pg_leash_up is 0: {}", why));
        lost_ = true;
    }
}

void KeptServer::note_back() {
    if (lost_) {
        write_note("the server answers again");
        lost_ = false;
        notify_manager("STATUS=the server answers");
    }
}

}  // namespace leash::tool
