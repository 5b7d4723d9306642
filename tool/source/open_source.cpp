#include "source/open_source.h"

#include <ctime>

#include <fmt/format.h>

#include "render/instant.h"
#include "render/table.h"
#include "render/terminal.h"
#include "source/agentless_source.h"
#include "source/control_source.h"
#include "source/sql_source.h"

namespace leash::tool {
namespace {

using Reason = ControlError::Reason;

// The clocks of server and tool are the same one, but not read at the same moment.
constexpr std::int64_t kSlackUs = 2'000'000;

std::int64_t now_us() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

// Behind a port on this machine may be a server on another one.  The one that has just
// refused the connection has counted that.
void require_recent_refusal(const ControlSource& source, std::int64_t asked_at) {
    const auto refused = parse_instant(source.last_refusal());
    if (!refused || *refused < asked_at - kSlackUs) {
        throw ControlError(Reason::strange,
                           fmt::format("the worker's socket \"{}\": its server has refused "
                                       "nobody just now, so it is another one",
                                       source.path()));
    }
}

std::string who_may(const std::string& directory, const std::string& port) {
    const std::string owner = owner_of(fmt::format("{}/.s.PGSQL.{}", directory, port));
    return owner.empty() ? "the server's OS user" : fmt::format("OS user {}", owner);
}

// What to do, besides what the server's refusal suggests.
std::string advice_for(const ControlError& error, const std::string& directory,
                       const std::string& port) {
    switch (error.reason()) {
        case Reason::denied:
            return fmt::format(
                "the worker's socket {} answers {} and root only: run pgleash as one of them",
                control_path(directory, port), who_may(directory, port));
        case Reason::absent:
            return fmt::format("{} (is pg_leash in shared_preload_libraries?)", error.what());
        case Reason::silent:
        case Reason::strange:
            break;
    }
    return error.what();
}

std::unique_ptr<Source> open_control_source(const ServerFull& full, std::int64_t asked_at) {
    const bool is_directory = full.host().starts_with('/');
    std::string advice =
        "from the server's own machine its OS user and root get in over the worker's socket";
    for (const std::string& directory : control_directories(full.host())) {
        auto source = std::make_unique<ControlSource>(directory, full.port());
        try {
            source->server();
            if (!is_directory) {
                require_recent_refusal(*source, asked_at);
            }
        } catch (const ControlError& error) {
            advice = advice_for(error, directory, full.port());
            if (error.reason() == Reason::absent) {
                continue;
            }
            break;
        }
        write_note(fmt::format("{}; asking the worker over {}",
                               full.has_reserved()
                                   ? "every connection slot that is not reserved is taken"
                                   : "every connection slot is taken",
                               source->path()));
        return source;
    }
    throw ServerFull(fmt::format("{}; {}", full.what(), advice), full.host(), full.port(),
                     full.has_reserved());
}

// The extension's views, or PostgreSQL's own where it is not installed.
std::unique_ptr<Source> source_of(Connection connection, const Options& options) {
    const ServerInfo server = read_server_info(connection);
    if (server.extension_version && !options.agentless) {
        return std::make_unique<SqlSource>(std::move(connection));
    }
    write_note(fmt::format(
        "{}: PostgreSQL's own views tell neither what opened a transaction, nor what was refused "
        "or reaped, nor peaks; and whoever listens or only pings is not told from the others",
        server.extension_version
            ? fmt::format("pg_leash is there, in database \"{}\", and is not used; leases that "
                          "sessions hold are not known",
                          server.database)
            : fmt::format("pg_leash is not installed here, in database \"{}\"", server.database)));
    return std::make_unique<AgentlessSource>(std::move(connection), completed(options.thresholds),
                                             options.without_claim);
}

// Asks the worker as long as the server is full: for --watch.
class SwitchingSource : public Source {
public:
    SwitchingSource(std::unique_ptr<Source> source, const Options& options)
        : source_(std::move(source)), options_(options.connection) {
        options_.prompt = PasswordPrompt::kNever;  // nobody is asked in the middle of a screen
    }

    ServerInfo server() override {
        const auto* control = dynamic_cast<const ControlSource*>(source_.get());
        if (control != nullptr && control->free_slots() > 0) {
            try_to_connect();
        }
        return source_->server();
    }
    Dataset rows(const Selection& selection) override { return source_->rows(selection); }
    std::string terminate(const std::string& session_id, const std::optional<std::string>& reason,
                          bool force) override {
        return source_->terminate(session_id, reason, force);
    }
    std::string cancel(const std::string& session_id,
                       const std::optional<std::string>& reason) override {
        return source_->cancel(session_id, reason);
    }
    Dataset reap(bool dry_run) override { return source_->reap(dry_run); }
    Connection& connection() override { return source_->connection(); }
    Evidence evidence() override { return source_->evidence(); }
    Failure explain(const QueryError& error, Purpose purpose) override {
        return source_->explain(error, purpose);
    }

private:
    void try_to_connect() {
        try {
            source_ = std::make_unique<SqlSource>(Connection::open(options_));
            write_note("the server has room again; asking it in SQL");
        } catch (const Failure&) {
            // Somebody else was faster; or this user cannot connect, and the worker goes on
            // answering.
        }
    }

    std::unique_ptr<Source> source_;
    ConnectionOptions options_;
};

}  // namespace

std::unique_ptr<Source> open_source(const Options& options) {
    const std::int64_t asked_at = now_us();
    try {
        return source_of(Connection::open(options.connection), options);
    } catch (const ServerFull& full) {
        auto source = open_control_source(full, asked_at);
        if (options.watch_seconds) {
            return std::make_unique<SwitchingSource>(std::move(source), options);
        }
        return source;
    }
}

}  // namespace leash::tool
