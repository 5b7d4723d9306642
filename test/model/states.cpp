// Prints every state of the small world of test/unit/claim_world.h that the header
// reaches in one script, for comparing with those of the model (script/model states).
#include <cstdlib>
#include <cstring>

#include "claim_world.h"
#include "state.h"

namespace leash::test {
namespace {

// The bounds of model.pml, by the same names.
struct Script {
    int sessions = 1;
    int messages = 1;  // of each session
    int commits = 0;
    int idle_reapers = 0;
    int forced_reapers = 0;
    int cancellers = 0;
};

void note_state(const World& world) {
    claim_state state{};
    state.flags = world.word & 127;
    state.epoch = static_cast<unsigned>(world.word / claim::kEpochOne);
    state.note = claim::note_of(world.word);
    state.session = static_cast<unsigned>(session_in(world.reported));
    state.message = static_cast<unsigned>(message_in(world.reported));
    state.active = active_in(world.reported) ? 1 : 0;
    state.pid_names = static_cast<unsigned>(world.pid_names);
    state.terminate_to = static_cast<unsigned>(world.terminate_to);
    state.cancel_of = static_cast<unsigned>(world.cancel_of);
    state.ended_message = static_cast<unsigned>(world.ended_message);
    state.messages = static_cast<unsigned>(world.messages);
    state.started = static_cast<unsigned>(world.started);
    state.running = static_cast<unsigned>(world.running);
    state.completed = static_cast<unsigned>(world.completed);
    state.claimed = static_cast<unsigned>(world.claimed);
    state.idle_claim = static_cast<unsigned>(world.idle_claim);
    state.message_at_claim = static_cast<unsigned>(world.message_at_claim);
    state.claims = static_cast<unsigned>(world.claims);
    state.signals = static_cast<unsigned>(world.signals);
    state.committing = static_cast<unsigned>(world.committing);
    state.committed = static_cast<unsigned>(world.committed);
    state.cancelled = static_cast<unsigned>(world.cancelled);
    state.exits = static_cast<unsigned>(world.exits);
    remember_state(&state);
}

// One session after the other in the slot; each but the last leaves.
void play_sessions(World& world, const Script& script) {
    for (int number = 1; number <= script.sessions; number++) {
        Owner<> owner(world, static_cast<uint64_t>(number));
        if (number == 1) {
            owner.was_logged_in();
        } else {
            owner.login();
        }
        for (int i = 0; i < script.messages; i++) {
            owner.message([&](Owner<>& me) { return i >= script.commits || me.commit(); });
        }
        if (number < script.sessions) {
            owner.exit();
        }
    }
}

std::vector<Explorer<World>::Actor> cast_of(const Script& script) {
    std::vector<Explorer<World>::Actor> actors;
    actors.push_back([script](World& world) { play_sessions(world, script); });
    for (int i = 0; i < script.idle_reapers; i++) {
        const auto note = static_cast<uint16_t>(1 + i);
        actors.push_back([note](World& world) { Reaper<>(world, {}, note).terminate_idle(1); });
    }
    for (int i = 0; i < script.forced_reapers; i++) {
        actors.push_back([](World& world) { Reaper<>(world, {}, 3).terminate_any(1); });
    }
    for (int i = 0; i < script.cancellers; i++) {
        actors.push_back([](World& world) { Reaper<>(world).cancel(1); });
    }
    return actors;
}

bool read_bound(Script& script, const char* text) {
    const struct {
        const char* name;
        int& value;
    } bounds[] = {
        {"SESSIONS=", script.sessions},
        {"MESSAGES=", script.messages},
        {"COMMITS=", script.commits},
        {"IDLE_REAPERS=", script.idle_reapers},
        {"FORCED_REAPERS=", script.forced_reapers},
        {"CANCELLERS=", script.cancellers},
    };
    for (const auto& bound : bounds) {
        if (strncmp(text, bound.name, strlen(bound.name)) == 0) {
            bound.value = atoi(text + strlen(bound.name));
            return true;
        }
    }
    return false;
}

}  // namespace
}  // namespace leash::test

int main(int argc, char** argv) {
    using namespace leash::test;
    Script script;
    for (int i = 1; i < argc; i++) {
        if (!read_bound(script, argv[i])) {
            fprintf(stderr, "claim_states: unknown bound %s\n", argv[i]);
            return 2;
        }
    }
    World world = idle_session();
    world.word = leash::claim::kEpochOne | leash::claim::kOpen;
    Explorer<World>(world, cast_of(script), {}).show_all(note_state);
    print_states();
}
