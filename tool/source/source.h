// Where commands get their rows, and have things done: a server asked in SQL or, when
// every connection slot is taken, the worker's own socket.
#pragma once

#include <optional>
#include <string>

#include "commands/filters.h"
#include "connection/server.h"
#include "evidence/read.h"
#include "render/dataset.h"

namespace leash::tool {

class Source {
public:
    Source() = default;
    virtual ~Source() = default;
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;

    /// The server, with its clock; asked anew for every screen.
    virtual ServerInfo server() = 0;

    virtual Dataset rows(const Selection& selection) = 0;

    /// Outcomes in the words of leash.terminate() and leash.cancel().
    virtual std::string terminate(const std::string& session_id,
                                  const std::optional<std::string>& reason, bool force) = 0;
    virtual std::string cancel(const std::string& session_id,
                               const std::optional<std::string>& reason) = 0;

    /// Has the policies evaluated now; rows as those of Listing::kReapLog.
    virtual Dataset reap(bool dry_run) = 0;

    /// The connection, for what can be done in SQL only.  Throws Failure when there is
    /// none.
    virtual Connection& connection() = 0;

    /// All that is known.
    virtual Evidence evidence() { return read_evidence(connection()); }

    /// What to tell the user about a request that was refused.
    virtual Failure explain(const QueryError& error, Purpose purpose) = 0;
};

}  // namespace leash::tool
