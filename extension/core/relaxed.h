// A number in shared memory that one process writes and others read.
#pragma once

#include <cstdint>

namespace leash {

// Relaxed atomic: no torn value, no order.  Readers that need fields to belong
// together use the protocol of the struct they are in.
template <class T>
struct Relaxed {
    T value;

    T get() const { return __atomic_load_n(&value, __ATOMIC_RELAXED); }
    void set(T v) { __atomic_store_n(&value, v, __ATOMIC_RELAXED); }
    // By the single writer only: two plain moves, no locked instruction.
    void add(T v) { set(value + v); }
};

}  // namespace leash
