// A file of policies in TOML: one [[policy]] for each row, a key for each column.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/row.h"

namespace leash::tool {

/// Where something stands in the file; counted from 1.
struct FilePosition {
    std::size_t line = 0;
    std::size_t column = 0;
};

struct FileProblem {
    FilePosition at;
    std::string policy;  ///< its name; empty: the file as a whole
    std::string message;
};

struct FilePolicy {
    PolicyRow row;
    FilePosition at;
    /// Where the value of each column stands; line 0: it is not given.
    std::array<FilePosition, kPolicyColumnCount> values_at;
};

struct PolicyFile {
    std::vector<FilePolicy> policies;  ///< in the order of the file
    std::vector<FileProblem> problems;
};

/// Reads and checks; what is wrong is in `problems`, everything at once.  The server
/// judges what passes here once more.
PolicyFile parse_policies(std::string_view text);

/// "policies.toml:3:12: policy "x": ..."
std::string describe_problem(const std::string& file_name, const FileProblem& problem);

/// The contents of a file, or of standard input when it is named "-".  Throws Failure.
std::string read_policy_file(const std::string& file_name);

/// Reads, checks and reports each problem on standard error; throws Failure when there
/// is any, or when there is no policy.
std::vector<FilePolicy> load_policies(const std::string& file_name);

}  // namespace leash::tool
