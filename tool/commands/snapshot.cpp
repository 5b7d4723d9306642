// snapshot save: what is known of the server now, as a file to compare with later.
#include <fmt/format.h>

#include "commands/commands.h"
#include "evidence/file.h"

namespace leash::tool {

int run_snapshot_save(Context& context) {
    const Evidence evidence = context.source.evidence();
    save_evidence(evidence, context.options.file);
    write_note(
        fmt::format("saved to {}: {} applications, {} causes of leaks, {} minutes of history",
                    context.options.file, evidence.applications.size(), evidence.causes.size(),
                    evidence.history.size()));
    return kExitDone;
}

}  // namespace leash::tool
