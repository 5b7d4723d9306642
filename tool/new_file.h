// A file that replaces what was there as a whole or not at all.
#pragma once

#include <string>

namespace leash::tool {

enum class Readers {
    owner,   ///< nobody else
    others,  ///< whoever the umask lets
    all,     ///< everybody
};

/// Writes, syncs and renames.  What is no regular file, such as a pipe, is written to as it
/// is.  Throws Failure that names the file.
void write_file(const std::string& path, const std::string& text, Readers readers);

}  // namespace leash::tool
