#include "server/listening.h"

#include "server/session.h"

extern "C" {
#include "common/hashfn.h"
#include "nodes/parsenodes.h"
}

namespace leash {

bool listening_changes = false;

namespace {

// The channels a session listens on, by hash.  More than fit make it listen until
// it says UNLISTEN *.
struct Channels {
    static constexpr int kMax = 32;

    uint32 hashes[kMax];
    int count;
    bool overflown;

    void add(uint32 hash) {
        for (int i = 0; i < count; i++) {
            if (hashes[i] == hash) {
                return;
            }
        }
        if (count == kMax) {
            overflown = true;
        } else {
            hashes[count++] = hash;
        }
    }

    void remove(uint32 hash) {
        for (int i = 0; i < count; i++) {
            if (hashes[i] == hash) {
                hashes[i] = hashes[--count];
                return;
            }
        }
    }

    bool any() const { return count > 0 || overflown; }
};

Channels channels;
Channels pending;  // as the transaction will leave them

Channels& to_change() {
    if (!listening_changes) {
        pending = channels;
        listening_changes = true;
    }
    return pending;
}

uint32 hash_of(const char* name) {
    return hash_bytes(reinterpret_cast<const unsigned char*>(name), static_cast<int>(strlen(name)));
}

}  // namespace

void note_listening(const Node* statement) {
    switch (nodeTag(statement)) {
        case T_ListenStmt:
            to_change().add(hash_of(reinterpret_cast<const ListenStmt*>(statement)->conditionname));
            break;
        case T_UnlistenStmt: {
            const char* name = reinterpret_cast<const UnlistenStmt*>(statement)->conditionname;
            if (name != nullptr) {
                to_change().remove(hash_of(name));
            } else {
                to_change() = {};
            }
            break;
        }
        case T_DiscardStmt:
            if (reinterpret_cast<const DiscardStmt*>(statement)->target == DISCARD_ALL) {
                to_change() = {};
            }
            break;
        default:
            break;
    }
}

void listening_committed() {
    channels = pending;
    listening_changes = false;
    my_slot->listens.set(channels.any());
}

void listening_aborted() {
    listening_changes = false;
}

}  // namespace leash
