#pragma once

#include "agentless/sessions.h"
#include "source/source.h"

namespace leash::tool {

/// PostgreSQL's own views, for a server without the extension.
class AgentlessSource : public Source {
public:
    AgentlessSource(Connection connection, const AgentlessThresholds& thresholds,
                    bool without_claim)
        : connection_(std::move(connection)),
          thresholds_(thresholds),
          sampler_(thresholds),
          without_claim_(without_claim) {}

    ServerInfo server() override;
    Dataset rows(const Selection& selection) override;
    /// Outcomes are those of leash.terminate(), though nothing is claimed.
    std::string terminate(const std::string& session_id, const std::optional<std::string>& reason,
                          bool force) override;
    std::string cancel(const std::string& session_id,
                       const std::optional<std::string>& reason) override;
    Dataset reap(bool dry_run) override;
    Connection& connection() override { return connection_; }
    Failure explain(const QueryError& error, Purpose purpose) override;
    Evidence evidence() override;

private:
    const PlainSample& look();
    const PlainSample& latest();
    void note_masked();
    std::string signal(const PlainSession& session);
    bool is_there(const PlainSession& session);

    Connection connection_;
    AgentlessThresholds thresholds_;
    PlainSampler sampler_;
    PlainSample sample_;
    bool stale_ = true;  ///< the next question is to be answered by a new sample
    bool without_claim_;
    bool noted_masked_ = false;
    bool noted_window_ = false;
    ServerInfo server_;
};

}  // namespace leash::tool
