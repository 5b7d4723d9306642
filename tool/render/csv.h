// CSV after RFC 4180, with a header line.
#pragma once

#include <string>
#include <string_view>

#include "render/dataset.h"

namespace leash::tool {

/// Quotes a field where it must be.  An empty text is "", which tells it from
/// NULL, as in COPY.
std::string csv_field(std::string_view text);

/// Header and rows, lines ended by LF.  for_terminal: escape whatever could
/// disturb a terminal; a file gets the bytes as they are.
std::string render_csv(const Dataset& data, bool for_terminal);

}  // namespace leash::tool
