#include "server/listening.h"

#include "server/session.h"
#include "server/transaction.h"

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

// What the open transaction said, in order, and at which level: what a subtransaction
// said goes with it when that is rolled back.
struct Change {
    enum Kind : uint8_t { listen, unlisten, unlisten_all };

    Kind kind;
    int level;
    uint32 hash;
};

constexpr int kMaxChanges = 64;
Change changes[kMaxChanges];
int change_count = 0;
bool too_many_changes = false;  // then it counts as listening

void note(Change::Kind kind, uint32 hash) {
    if (change_count == kMaxChanges) {
        too_many_changes = true;
    } else {
        changes[change_count++] = {kind, GetCurrentTransactionNestLevel(), hash};
    }
    listening_changes = true;
    commit_has_work = true;
}

void forget_changes() {
    change_count = 0;
    too_many_changes = false;
    listening_changes = false;
}

uint32 hash_of(const char* name) {
    return hash_bytes(reinterpret_cast<const unsigned char*>(name), static_cast<int>(strlen(name)));
}

}  // namespace

void note_listening(const Node* statement) {
    switch (nodeTag(statement)) {
        case T_ListenStmt:
            note(Change::listen,
                 hash_of(reinterpret_cast<const ListenStmt*>(statement)->conditionname));
            break;
        case T_UnlistenStmt: {
            const char* name = reinterpret_cast<const UnlistenStmt*>(statement)->conditionname;
            if (name != nullptr) {
                note(Change::unlisten, hash_of(name));
            } else {
                note(Change::unlisten_all, 0);
            }
            break;
        }
        case T_DiscardStmt:
            if (reinterpret_cast<const DiscardStmt*>(statement)->target == DISCARD_ALL) {
                note(Change::unlisten_all, 0);
            }
            break;
        default:
            break;
    }
}

void listening_subtransaction_ended(bool committed) {
    const int level = GetCurrentTransactionNestLevel();
    int first = change_count;  // of those that the subtransaction noted
    while (first > 0 && changes[first - 1].level >= level) {
        first--;
        changes[first].level = level - 1;
    }
    if (!committed) {
        change_count = first;
    }
}

void listening_committed() {
    for (int i = 0; i < change_count; i++) {
        switch (changes[i].kind) {
            case Change::listen:
                channels.add(changes[i].hash);
                break;
            case Change::unlisten:
                channels.remove(changes[i].hash);
                break;
            case Change::unlisten_all:
                channels = {};
                break;
        }
    }
    channels.overflown = channels.overflown || too_many_changes;
    my_slot->listens.set(channels.any());
    forget_changes();
}

void listening_aborted() {
    forget_changes();
}

}  // namespace leash
