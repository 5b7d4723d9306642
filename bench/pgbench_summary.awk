# Reads what bench/pgbench measured, lines "RUN PAIR CLIENTS TPS" where RUN is A or B
# (without pg_leash) or L (with it), and prints L and B in ratio to A of the same pair.

function mean_of(kind, count,    i, sum) {
    for (i = 0; i < pairs; i++) {
        ratio[i] = log(tps[kind, i, count] / tps["A", i, count])
        sum += ratio[i]
    }
    return sum / pairs
}

function half_interval(mean,    i, sum, df) {
    for (i = 0; i < pairs; i++) {
        sum += (ratio[i] - mean) ^ 2
    }
    df = pairs - 1
    return (df < 31 ? t[df] : 1.96 + 2.5 / df) * sqrt(sum / df / pairs)
}

function typical(kind, count,    i, sum) {
    for (i = 0; i < pairs; i++) {
        sum += tps[kind, i, count]
    }
    return sum / pairs
}

function row(name, kind, count, mean, half) {
    printf "%-8s %-22s %9.0f %9.0f %9.4f   %.4f to %.4f\n", count, name,
        typical("A", count), typical(kind, count), exp(mean), exp(mean - half), exp(mean + half)
}

BEGIN {
    split("12.706 4.303 3.182 2.776 2.571 2.447 2.365 2.306 2.262 2.228 2.201 2.179 " \
        "2.160 2.145 2.131 2.120 2.110 2.101 2.093 2.086 2.080 2.074 2.069 2.064 2.060 " \
        "2.056 2.052 2.048 2.045 2.042", t)
    printf "%-8s %-22s %9s %9s %9s   %s\n", "clients", "", "TPS of A", "TPS", "ratio",
        "95 % interval"
}

{
    tps[$1, $2, $3] = $4
    if ($2 >= pairs) {
        pairs = $2 + 1
    }
    if (!($3 in seen)) {
        seen[$3] = 1
        counts[++kinds] = $3
    }
}

END {
    for (k = 1; k <= kinds; k++) {
        count = counts[k]
        same = mean_of("B", count)
        same_half = half_interval(same)
        row("B: without it", "B", count, same, same_half)
        ours = mean_of("L", count)
        row("L: with pg_leash", "L", count, ours, half_interval(ours))
        worse = ours < same - same_half
        verdict = verdict sprintf("%s: pg_leash is %sworse than the pairs without it by more than their interval (%+.1f %%, interval %.1f %%)\n",
            count == 1 ? "1 client" : count " clients", worse ? "" : "no ",
            100 * (exp(ours - same) - 1), 100 * (exp(same_half) - 1))
    }
    printf "\n%s", verdict
}
