// What PostgreSQL keeps to itself about this session and a reaper wants to know: a
// backup that runs, cursors WITH HOLD that are open, snapshots that are shared.  Only their
// beginning is watched for; while there are any, each end of a transaction looks whether
// they still are.
#pragma once

#include "server/compat.h"

namespace leash {

// pg_backup_start() is about to be called.
void note_backup();

// A utility statement is about to run: DECLARE, CLOSE ALL, DISCARD ALL and
// SET TRANSACTION SNAPSHOT count.
void note_marks(const Node* statement);

// The transaction has ended, and a commit had work to do.  Cannot fail; says whether the
// next one has too.
bool settle_marks(bool committed);

}  // namespace leash
