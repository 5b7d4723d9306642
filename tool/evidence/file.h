// Evidence as a file: what `pgleash snapshot save` writes, and what was saved before is
// compared with.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "evidence/evidence.h"

namespace leash::tool {

/// Raised when a snapshot of before can no longer be understood.
inline constexpr int kSnapshotVersion = 1;

nlohmann::ordered_json evidence_json(const Evidence& evidence);

/// Writes atomically: an existing file is replaced as a whole or not at all.  The file
/// can be read by its owner alone.  Throws Failure.
void save_evidence(const Evidence& evidence, const std::string& path);

/// What one of an older pgleash lacks is empty, and in Evidence::missing where it is a list.
/// Throws Failure that names the file and what is wrong with it: no snapshot, one of a
/// newer version, cut in the middle.
Evidence load_evidence(const std::string& path);

/// The same for its text; `name` is for messages.
Evidence parse_evidence(const std::string& text, const std::string& name);

}  // namespace leash::tool
