// How a struct lists its fields, once, for whoever reads it from SQL, writes it to a
// file or reads it back:
//
//     template <class Self, class Visit>
//     static void fields(Self& self, Visit&& visit) {
//         visit("name", self.name);
//     }
//
// A field's type decides how it travels: std::string, bool, std::int64_t, double,
// Seconds, Instant, QueryId, or std::optional of one of them.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <type_traits>

namespace leash::tool {

/// A duration.  In SQL an interval, in JSON a number whose key ends in _seconds.
struct Seconds {
    double value = 0;
    auto operator<=>(const Seconds&) const = default;
};

/// Microseconds since 1970.  In SQL a timestamptz, in JSON ISO 8601 in UTC.
struct Instant {
    std::int64_t us = 0;
    auto operator<=>(const Instant&) const = default;
};

/// In SQL a bigint, in JSON a string, since 64 bits do not survive JavaScript.
struct QueryId {
    std::int64_t value = 0;
    auto operator<=>(const QueryId&) const = default;
};

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {
    using Value = T;
};

}  // namespace leash::tool
