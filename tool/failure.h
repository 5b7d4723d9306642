// How a command ends early.
#pragma once

#include <stdexcept>
#include <string>

namespace leash::tool {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitSomethingToDo = 10;  // with --exit-code

/// One line that says what went wrong and what to do about it.
class Failure : public std::runtime_error {
public:
    explicit Failure(const std::string& message, int exit_code = kExitFailure)
        : std::runtime_error(message), exit_code_(exit_code) {}

    int exit_code() const { return exit_code_; }

private:
    int exit_code_;
};

}  // namespace leash::tool
