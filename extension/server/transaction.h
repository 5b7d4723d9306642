// What this backend does around its commits.
#pragma once

#include "server/compat.h"

namespace leash {

// A commit record is about to be written: from here to commit_ends() nobody signals
// this session.  May raise what a signal that was on its way asks for.
void commit_begins();
void commit_ends();

// Set by whoever has something to do when the open transaction ends.
extern LEASH_HIDDEN bool commit_has_work;

}  // namespace leash
