# shellcheck shell=bash
# What script/demo tells with: headings, commands that are shown and then run,
# clients in the background, and waits that look at a condition.

STORY_CLIENTS=()

if [[ -t 1 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
    BOLD=$'\033[1m' DIM=$'\033[2m' PLAIN=$'\033[0m'
else
    BOLD='' DIM='' PLAIN=''
fi

heading() {
    printf '\n%s== %s %s%s\n' "$BOLD" "$1" "$(printf '%*s' $((74 - ${#1})) '' | tr ' ' '=')" "$PLAIN"
}

# A paragraph.
tell() {
    printf '\n%s\n' "$*" | fold -s -w 78 | sed 's/ $//'
}

# show COMMAND...: prints the command as one would type it, and runs it.
show() {
    local word line=
    for word in "$@"; do
        [[ $word =~ ^[A-Za-z0-9._=/-]+$ ]] || word="'$word'"
        line+=" $word"
    done
    printf '\n%s$%s%s\n' "$BOLD" "$line" "$PLAIN"
    "$@"
}

# sql QUERY: the answer alone, unaligned.
sql() {
    psql -XAtq -v ON_ERROR_STOP=1 -c "$1"
}

# client NAME OPTIONS...: starts a client, of role STORY_USER, whose report goes to
# $STORY/NAME.
client() {
    local name=$1
    shift
    PGUSER=$STORY_USER leaky --app "$name" "$@" >"$STORY/$name" 2>&1 &
    STORY_CLIENTS+=($!)
}

# Ends only what was started here.
end_clients() {
    if ((${#STORY_CLIENTS[@]} > 0)); then
        kill "${STORY_CLIENTS[@]}" 2>/dev/null || true
        wait "${STORY_CLIENTS[@]}" 2>/dev/null || true
        STORY_CLIENTS=()
    fi
}

# What each client says that it does.
roll_call() {
    local name
    for name in "$@"; do
        printf '    %-11s %s\n' "$name" "$(sed -n 's/^[^ ]* \(ready\|waiting\|done\) //p' "$STORY/$name" | head -n 1)"
    done
}

# What a client reported, all lines or those that match a pattern.
reported() {
    sed -n "s/^$1 //p" "$STORY/$1" | grep -E -- "${2:-.}" | fold -s -w 70 | sed 's/^/    /; s/ $//'
}

# The last number after KEY= in a client's report.
reported_number() {
    sed -n "s/.*\b$2=\([0-9.]*\).*/\1/p" "$STORY/$1" | tail -n 1
}

# until_true WHAT LIMIT COMMAND...: waits until COMMAND succeeds, at most LIMIT
# seconds; says what it waits for and how long it took.
until_true() {
    local what=$1 limit=$2 begun=$EPOCHREALTIME now
    shift 2
    printf '%s... until %s' "$DIM" "$what"
    while ! "$@" 2>/dev/null; do
        now=$EPOCHREALTIME
        if ((${now/./} - ${begun/./} > limit * 1000000)); then
            printf '%s\n' "$PLAIN"
            die "not seen within $limit s: $what"
        fi
        sleep 0.1
    done
    now=$EPOCHREALTIME
    printf ': %s s%s\n' "$(tenths $((${now/./} - ${begun/./})))" "$PLAIN"
}

# Microseconds as seconds with one decimal.
tenths() {
    printf '%d.%d' $(($1 / 1000000)) $(($1 % 1000000 / 100000))
}

# Whether an SQL condition holds.
holds() {
    [[ $(sql "SELECT $1") == t ]]
}
