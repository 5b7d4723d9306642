#pragma once

#include "connection/control_socket.h"
#include "source/selection.h"
#include "source/source.h"

namespace leash::tool {

/// The worker's own socket, for when every connection slot is taken.
class ControlSource : public Source {
public:
    ControlSource(std::string directory, std::string port)
        : directory_(std::move(directory)), port_(std::move(port)) {}

    /// Asks for the server, so that what cannot be used throws ControlError at once.
    ServerInfo server() override;
    Dataset rows(const Selection& selection) override;
    std::string terminate(const std::string& session_id, const std::optional<std::string>& reason,
                          bool force) override;
    std::string cancel(const std::string& session_id,
                       const std::optional<std::string>& reason) override;
    Dataset reap(bool dry_run) override;
    Connection& connection() override;
    Failure explain(const QueryError& error, Purpose purpose) override;

    std::string path() const { return control_path(directory_, port_); }
    /// Slots that were free for ordinary roles when the worker last answered.
    long free_slots() const { return free_slots_; }
    /// When the server last refused a connection, ISO 8601 in UTC; empty: never.
    const std::string& last_refusal() const { return last_refusal_; }

private:
    RawRows ask(const ControlRequest& request);
    RawRows ask(ControlVerb verb);
    void note_server(const nlohmann::json& server);

    std::string directory_;
    std::string port_;
    ServerInfo server_;
    long free_slots_ = 0;
    std::string last_refusal_;
};

}  // namespace leash::tool
