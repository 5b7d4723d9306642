# Reads what bench/pgbench measured, lines "BLOCK CLIENTS ROUND WHICH TPS MICROSECONDS",
# where WHICH is A or B (without pg_leash) or L (with it).
#
# A block's ratio is the median of its rounds, so that somebody else's burst of work does
# not count.  The interval is Student's over the logarithms of the blocks: servers keep
# what chance gave them at their start, such as where things lie in memory.

# The logarithm of a ratio in one round: L to both others, or B to A.
function round_ratio(pair, what, block, count, round,    a, b) {
    a = log(made[what, block, count, round, "A"])
    b = log(made[what, block, count, round, "B"])
    return pair == "AA" ? b - a : log(made[what, block, count, round, "L"]) - (a + b) / 2
}

function sort(list, n,    i, k, x) {
    for (i = 1; i < n; i++) {
        for (k = i; k > 0 && list[k - 1] > list[k]; k--) {
            x = list[k]
            list[k] = list[k - 1]
            list[k - 1] = x
        }
    }
}

function block_ratio(pair, what, block, count,    i, r) {
    for (i = 0; i < rounds; i++) {
        r[i] = round_ratio(pair, what, block, count, i)
    }
    sort(r, rounds)
    return (r[int((rounds - 1) / 2)] + r[int(rounds / 2)]) / 2
}

# Sets mean and half, the half of the interval.
function estimate(pair, what, count,    i, r, sum, squares, df) {
    for (i = 0; i < blocks; i++) {
        r[i] = block_ratio(pair, what, i, count)
        sum += r[i]
    }
    mean = sum / blocks
    for (i = 0; i < blocks; i++) {
        squares += (r[i] - mean) ^ 2
    }
    df = blocks - 1
    half = (df <= 30 ? t[df] : 1.96 + 2.5 / df) * sqrt(squares / df / blocks)
}

# Within which 95 % of the single rounds of A and B are.
function scatter(count,    i, j, n, away, x) {
    for (i = 0; i < blocks; i++) {
        for (j = 0; j < rounds; j++) {
            x = round_ratio("AA", "tps", i, count, j)
            away[n++] = x < 0 ? -x : x
        }
    }
    sort(away, n)
    return away[int(0.95 * n + 0.5) - 1]
}

function typical(what, count, which,    i, j, sum) {
    for (i = 0; i < blocks; i++) {
        for (j = 0; j < rounds; j++) {
            sum += log(made[what, i, count, j, which])
        }
    }
    return exp(sum / blocks / rounds)
}

function percent(x) {
    return 100 * (exp(x) - 1)
}

function row(name, pair, count,    what) {
    printf "%-8s %-12s", count, name
    for (what = 1; what <= 2; what++) {
        estimate(pair, measure[what], count)
        printf "   %s  %+6.2f %% (%+.2f to %+.2f)", typical_text[what, pair], percent(mean),
            percent(mean - half), percent(mean + half)
    }
    printf "\n"
}

function rows(count,    what, pair) {
    for (what = 1; what <= 2; what++) {
        for (pair in first) {
            typical_text[what, pair] = sprintf(what == 1 ? "%8.0f" : "%6.1f",
                typical(measure[what], count, second[pair]))
        }
    }
    row("B to A", "AA", count)
    row("L to both", "L", count)
}

# The bound is as far as B may be from A, or A from B, by the interval.
function verdict(count,    bound, word) {
    estimate("AA", "tps", count)
    bound = -((mean < 0 ? -mean : mean) + half)
    estimate("L", "tps", count)
    if (mean < bound) {
        word = mean + half < bound ? "WORSE" : "WORSE, but not by its own interval"
    } else {
        word = bound > -0.01 ? "no worse" : "no worse, as far as so much noise lets see"
    }
    printf "%d client%s: pg_leash %+.2f %%, pairs without it up to %.2f %% apart (95 %% of single rounds %.2f %%): %s\n",
        count, count == 1 ? "" : "s", percent(mean), -percent(bound), percent(scatter(count)), word
}

BEGIN {
    split("12.706 4.303 3.182 2.776 2.571 2.447 2.365 2.306 2.262 2.228 2.201 2.179 " \
        "2.160 2.145 2.131 2.120 2.110 2.101 2.093 2.086 2.080 2.074 2.069 2.064 2.060 " \
        "2.056 2.052 2.048 2.045 2.042", t)
    measure[1] = "tps"
    measure[2] = "us"
    first["AA"] = "A"
    second["AA"] = "B"
    first["L"] = "A"
    second["L"] = "L"
    printf "%-8s %-12s   %8s  %-27s   %6s  %s\n", "clients", "", "TPS", "ratio, 95 % interval",
        "CPU us", "ratio, 95 % interval"
}

{
    made["tps", $1, $2, $3, $4] = $5
    made["us", $1, $2, $3, $4] = $6
    blocks = $1 >= blocks ? $1 + 1 : blocks
    rounds = $3 >= rounds ? $3 + 1 : rounds
    if (!($2 in seen)) {
        seen[$2] = 1
        counts[++kinds] = $2
    }
}

END {
    for (k = 1; k <= kinds; k++) {
        rows(counts[k])
    }
    printf "\n"
    for (k = 1; k <= kinds; k++) {
        verdict(counts[k])
    }
}
