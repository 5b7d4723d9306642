// The worker's own socket, for when every connection slot is taken.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/control_request.h"

#include <nlohmann/json.hpp>

namespace leash::tool {

/// Directories that may have the socket of a server that was to be reached at this host;
/// none when the host is another machine.
std::vector<std::string> control_directories(const std::string& host);

std::string control_path(const std::string& directory, const std::string& port);

/// Why the socket cannot be used.
class ControlError : public std::runtime_error {
public:
    enum class Reason {
        absent,   ///< there is no such socket
        silent,   ///< nobody listens, or answers
        denied,   ///< this OS user may not use it
        strange,  ///< whoever listens is not the server, or speaks another language
    };
    ControlError(Reason reason, const std::string& message)
        : std::runtime_error(message), reason_(reason) {}

    Reason reason() const { return reason_; }

private:
    Reason reason_;
};

/// Asks the worker of the server with this socket directory and port.  Returns the JSON
/// document as it came, an error that the worker reports included.  Throws ControlError.
nlohmann::json ask_worker(const std::string& directory, const std::string& port,
                          const ControlRequest& request);

/// The same for the text of an answer; `path` is for messages.
nlohmann::json parse_control_answer(const std::string& text, const std::string& path);

/// The name of the OS user whom a file belongs to; empty when there is no such file.
std::string owner_of(const std::string& path);

}  // namespace leash::tool
