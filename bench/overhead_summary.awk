# Reads what bench/overhead measured, lines "ROUND CLIENTS WHICH TPS MICROSECONDS", where
# WHICH is A or B (no library), L (pg_leash) or the name of a peer that was there in that
# round.
#
# Servers keep what chance gave them at their start, such as where things lie in memory:
# so a round, for which they are started anew, is one value.  The interval is Student's
# over the logarithms of the ratios.

# The logarithm of a ratio in one round: B to A, or another to the mean of both.
function ratio(which, what, round, count,    a, b) {
    a = log(made[what, round, count, "A"])
    b = log(made[what, round, count, "B"])
    return which == "B" ? b - a : log(made[what, round, count, which]) - (a + b) / 2
}

# Sets mean, half (of the interval) and n.
function estimate(which, what, count,    i, r, sum, squares, df) {
    n = 0
    for (i = 0; i < rounds; i++) {
        if (("tps", i, count, which) in made) {
            r[n] = ratio(which, what, i, count)
            sum += r[n++]
        }
    }
    mean = sum / n
    for (i = 0; i < n; i++) {
        squares += (r[i] - mean) ^ 2
    }
    df = n - 1
    half = df < 1 ? 0 : (df <= 30 ? t[df] : 1.96 + 2.5 / df) * sqrt(squares / df / n)
}

function typical(which, what, count,    i, m, sum) {
    for (i = 0; i < rounds; i++) {
        if (("tps", i, count, which) in made) {
            sum += log(made[what, i, count, which])
            m++
        }
    }
    return exp(sum / m)
}

function percent(x) {
    return 100 * (exp(x) - 1)
}

# In percent, with the half of its 95 % interval.
function interval(which, what, count) {
    estimate(which, what, count)
    return n < 2 ? sprintf("%+6.1f       ", percent(mean)) : sprintf("%+6.1f +-%4.1f", percent(mean), percent(half))
}

function row(name, which, count,    tps) {
    tps = interval(which, "tps", count)
    printf "%7s  %-18s %8.0f  %s %8.1f  %s %4d\n", count, name, typical(which, "tps", count),
        tps, typical(which, "us", count), interval(which, "us", count), n
}

# The bound is as far as B may be from A, or A from B, by the interval.
function verdict(count,    bound, word) {
    estimate("B", "tps", count)
    bound = -((mean < 0 ? -mean : mean) + half)
    estimate("L", "tps", count)
    if (mean < bound) {
        word = mean + half < bound ? "WORSE" : "WORSE, but not by its own interval"
    } else {
        word = "no worse"
    }
    printf "%d client%s: pg_leash %+.1f %%, servers without it up to %.1f %% apart: %s\n",
        count, count == 1 ? "" : "s", percent(mean), -percent(bound), word
}

BEGIN {
    split("12.706 4.303 3.182 2.776 2.571 2.447 2.365 2.306 2.262 2.228 2.201 2.179 " \
        "2.160 2.145 2.131 2.120 2.110 2.101 2.093 2.086 2.080 2.074 2.069 2.064 2.060 " \
        "2.056 2.052 2.048 2.045 2.042", t)
    printf "%7s  %-18s %8s  %12s %8s  %12s %4s\n", "clients", "", "TPS", "% to none", "CPU us",
        "% to none", "n"
}

{
    made["tps", $1, $2, $3] = $4
    made["us", $1, $2, $3] = $5
    rounds = $1 >= rounds ? $1 + 1 : rounds
    if (!($2 in seen)) {
        seen[$2] = 1
        counts[++kinds] = $2
    }
    if ($3 !~ /^[ABL]$/ && !($3 in met)) {
        met[$3] = 1
        guests[++guest_count] = $3
    }
}

END {
    for (k = 1; k <= kinds; k++) {
        row("none, again", "B", counts[k])
        row("pg_leash", "L", counts[k])
        for (g = 1; g <= guest_count; g++) {
            row(guests[g], guests[g], counts[k])
        }
    }
    printf "\n"
    for (k = 1; k <= kinds; k++) {
        verdict(counts[k])
    }
}
