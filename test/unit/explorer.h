// Runs a few actors through every interleaving of their steps.
//
// An actor is an ordinary function on a stack of its own; it gives way before each
// step by calling step(), so that what lies between two such calls is indivisible.
// The explorer is stateless: it re-executes the actors along one sequence of
// choices after the other.  Two sequences that lead to the same world, with every
// actor having seen the same values, are the same from there on: the second is
// counted and not walked again.
//
// `World` is everything the actors share, the notes that properties need included.
// It is hashed byte by byte: trivially copyable, without padding.
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace leash::test {

// What an exploration came to.
struct Explored {
    double interleavings = 0;  // all of them, walked or counted
    size_t states = 0;         // different ones
    const char* violation = nullptr;
    std::string path;  // the actors' numbers, in the order that led to the violation
};

class Stage {
public:
    // Called by actors -------------------------------------------------------

    // Gives way: what follows, up to the next call, is one step.
    static void step() { stage_->give_way(nullptr, 0); }

    // Gives way until `cell` has another value than `seen`.
    static void wait_for_change(const uint64_t& cell, uint64_t seen) {
        stage_->give_way(&cell, seen);
    }

    // Every value an actor learns from the world must pass here.
    static uint64_t saw(uint64_t value) {
        uint64_t& history = stage_->actors_[stage_->running_].history;
        history = mix(history, value);
        return value;
    }

    // The property that was broken; ends the exploration of this path.
    static void violate(const char* property) {
        if (stage_->violation_ == nullptr) {
            stage_->violation_ = property;
        }
    }

protected:
    static constexpr size_t kStackSize = size_t{64} * 1024;

    struct Actor {
        std::function<void()> play;
        std::unique_ptr<char[]> stack;
        ucontext_t context;
        uint64_t history;
        const uint64_t* waits_for;
        uint64_t while_it_is;
        bool done;
    };

    static uint64_t mix(uint64_t hash, uint64_t value) {
        hash ^= value + 0x9e3779b97f4a7c15 + (hash << 6) + (hash >> 2);
        hash *= 0xff51afd7ed558ccd;
        return hash ^ (hash >> 33);
    }

    // All actors before their first step.
    void raise_curtain() {
        stage_ = this;
        violation_ = nullptr;
        for (Actor& actor : actors_) {
            prepare(actor);
        }
        for (size_t i = 0; i < actors_.size(); i++) {
            resume(i);  // up to its first step an actor only prepares
        }
    }

    void resume(size_t number) {
        running_ = number;
        swapcontext(&director_, &actors_[number].context);
    }

    void prepare(Actor& actor) {
        if (actor.stack == nullptr) {
            actor.stack = std::make_unique<char[]>(kStackSize);
        }
#if defined(__SANITIZE_ADDRESS__)
        // An actor that was left in the middle leaves its frames poisoned.
        __asan_unpoison_memory_region(actor.stack.get(), kStackSize);
#endif
        actor.history = static_cast<uint64_t>(&actor - actors_.data());
        actor.waits_for = nullptr;
        actor.done = false;
        getcontext(&actor.context);
        actor.context.uc_stack.ss_sp = actor.stack.get();
        actor.context.uc_stack.ss_size = kStackSize;
        actor.context.uc_link = &director_;
        makecontext(&actor.context, &Stage::enter, 0);
    }

    bool can_go_on(size_t number) const {
        const Actor& actor = actors_[number];
        return !actor.done && (actor.waits_for == nullptr || *actor.waits_for != actor.while_it_is);
    }

    std::vector<Actor> actors_;
    const char* violation_ = nullptr;

private:
    static void enter() {
        Actor& actor = stage_->actors_[stage_->running_];
        actor.play();
        actor.done = true;
    }

    void give_way(const uint64_t* cell, uint64_t seen) {
        Actor& actor = actors_[running_];
        actor.waits_for = cell;
        actor.while_it_is = seen;
        swapcontext(&actor.context, &director_);
    }

    static inline Stage* stage_ = nullptr;
    size_t running_ = 0;
    ucontext_t director_;
};

template <class World>
class Explorer : Stage {
    static_assert(std::has_unique_object_representations_v<World>, "padding cannot be hashed");

public:
    using Actor = std::function<void(World&)>;
    using AtEnd = std::function<void(const World&)>;
    using Observer = std::function<void(const World&)>;

    Explorer(World initial, std::vector<Actor> actors, AtEnd at_end)
        : initial_(initial), at_end_(std::move(at_end)) {
        for (Actor& actor : actors) {
            actors_.emplace_back().play = [this, play = std::move(actor)] { play(world_); };
        }
    }

    // Walks everything, whatever is violated on the way, and shows each state.
    size_t show_all(Observer observer) {
        observer_ = std::move(observer);
        replay();
        visit();
        return counted_.size();
    }

    // Walks until a violation is found or nothing is left.
    Explored explore() {
        replay();
        found_ = {};
        const double interleavings = visit();
        found_.interleavings = interleavings;
        found_.states = counted_.size();
        return found_;
    }

private:
    void replay() {
        world_ = initial_;
        raise_curtain();
        for (const uint8_t actor : path_) {
            resume(actor);
        }
    }

    uint64_t key() const {
        uint64_t hash = 0;
        uint64_t words[sizeof(World) / sizeof(uint64_t)];
        memcpy(words, &world_, sizeof words);
        for (const uint64_t word : words) {
            hash = mix(hash, word);
        }
        for (const Stage::Actor& actor : actors_) {
            hash = mix(hash, actor.history);
            hash = mix(hash, (actor.waits_for != nullptr ? 2 : 0) + (actor.done ? 1 : 0));
        }
        return hash;
    }

    // From the state that is on stage: how many ways lead to an end.
    double visit() {
        if (violation_ != nullptr && !observer_) {
            return report(), 1;
        }
        const uint64_t here = key();
        if (const auto known = counted_.find(here); known != counted_.end()) {
            return known->second;
        }
        if (observer_) {
            observer_(world_);
        }
        std::vector<uint8_t> next;
        bool all_done = true;
        for (size_t i = 0; i < actors_.size(); i++) {
            all_done = all_done && actors_[i].done;
            if (can_go_on(i)) {
                next.push_back(static_cast<uint8_t>(i));
            }
        }
        if (next.empty() && !observer_) {
            if (all_done) {
                at_end_(world_);
            } else {
                violate("somebody waits for ever");
            }
            if (violation_ != nullptr) {
                report();
            }
        }
        double ways = next.empty() ? 1 : 0;
        bool on_stage = true;
        for (const uint8_t actor : next) {
            if (!on_stage) {
                replay();
            }
            path_.push_back(actor);
            resume(actor);
            ways += visit();
            path_.pop_back();
            on_stage = false;
            if (found_.violation != nullptr) {
                break;
            }
        }
        counted_.emplace(here, ways);
        return ways;
    }

    void report() {
        if (found_.violation == nullptr) {
            found_.violation = violation_;
            for (const uint8_t actor : path_) {
                found_.path += static_cast<char>('0' + actor);
            }
        }
    }

    const World initial_;
    const AtEnd at_end_;
    Observer observer_;
    World world_;
    std::vector<uint8_t> path_;
    std::unordered_map<uint64_t, double> counted_;
    Explored found_;
};

}  // namespace leash::test
