// A line through what was measured, by least squares.
#pragma once

#include <cstdint>

namespace leash {

class Trend {
public:
    // Values in the order of time, which is counted in seconds from anywhere.
    void add(double time, double value) {
        if (count_ == 0) {
            first_ = time;
        }
        const double t = time - first_;
        count_++;
        sum_t_ += t;
        sum_v_ += value;
        sum_tt_ += t * t;
        sum_tv_ += t * value;
        sum_vv_ += value * value;
        last_ = t;
    }

    uint64_t count() const { return count_; }

    // Per second.
    double slope() const {
        const double spread = spread_of(sum_tt_, sum_t_, sum_t_);
        return spread > 0 ? spread_of(sum_tv_, sum_t_, sum_v_) / spread : 0;
    }

    // The share of the values' spread that the line explains, 0 to 1.  A single step
    // reaches 0.75 at most.
    double fit() const {
        const double spread =
            spread_of(sum_tt_, sum_t_, sum_t_) * spread_of(sum_vv_, sum_v_, sum_v_);
        const double common = spread_of(sum_tv_, sum_t_, sum_v_);
        return spread > 0 ? common * common / spread : 0;
    }

    // By how much the line grows from the first value to the last.
    double growth() const { return slope() * last_; }

private:
    double spread_of(double products, double a, double b) const {
        return count_ == 0 ? 0 : products - a * b / static_cast<double>(count_);
    }

    uint64_t count_ = 0;
    double first_ = 0;
    double last_ = 0;
    double sum_t_ = 0;
    double sum_v_ = 0;
    double sum_tt_ = 0;
    double sum_tv_ = 0;
    double sum_vv_ = 0;
};

// Something grows when it does so all the time, and by at least `least`; not when it
// jumped once, or goes up and down.
inline bool is_growing(const Trend& trend, double least) {
    constexpr uint64_t kEnough = 5;
    constexpr double kFit = 0.8;
    return trend.count() >= kEnough && trend.growth() >= least && trend.fit() >= kFit;
}

}  // namespace leash
