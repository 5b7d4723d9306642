#pragma once

#include <string_view>

namespace leash::tool {

/// Tells the service manager, as sd_notify(3) does: "READY=1", "STATUS=...".  Nothing happens
/// when there is none.
void notify_manager(std::string_view state);

}  // namespace leash::tool
