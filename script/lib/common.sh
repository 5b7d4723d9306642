# shellcheck shell=bash
# Messages, steps with visible progress, root rights.

# Ends with a message on stderr; each further argument is a line of its own.
die() {
    local line
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    shift
    for line in "$@"; do
        printf '  %s\n' "$line" >&2
    done
    exit 1
}

note() {
    printf '%s\n' "$*" >&2
}

is_root() {
    [[ $(id -u) -eq 0 ]]
}

# Runs a command as root.  Without a terminal sudo must not wait for a password
# that nobody can type.
as_root() {
    if is_root; then
        "$@"
    elif ! command -v sudo >/dev/null; then
        die "this needs root: $*" "Run it as root, or install sudo and try again."
    elif [[ -t 0 ]]; then
        sudo -- "$@"
    else
        sudo -n -- "$@"
    fi
}

# Asks for the password, if one is needed, before output goes to a log file.
wake_sudo() {
    if ! is_root && [[ -t 0 ]] && command -v sudo >/dev/null; then
        sudo -v
    fi
}

# A process and all that descend from it, children first.
kill_tree() {
    local child children=()
    read -r -a children < <(cat "/proc/$1/task/$1/children" 2>/dev/null) || true
    for child in "${children[@]}"; do
        kill_tree "$child"
    done
    kill "$1" 2>/dev/null || true
}

STEP_PID=
STEP_MUST_FINISH= # not empty: half of it would be worse than waiting

# For the exit trap of whoever runs steps.
stop_step() {
    if [[ -n $STEP_PID ]]; then
        note ""
        if [[ -n $STEP_MUST_FINISH ]]; then
            note "Interrupted; waiting for apt-get to come to an end."
        else
            kill_tree "$STEP_PID"
        fi
        wait "$STEP_PID" 2>/dev/null || true
        STEP_PID=
    fi
}

# finish_step ...: run_step for what an interruption must not cut in two.
finish_step() {
    STEP_MUST_FINISH=1
    run_step "$@"
    STEP_MUST_FINISH=
}

# The newest line of a step's log, without what could move the cursor.
step_tail() {
    tail -n 1 -- "$1" 2>/dev/null | tr -d '\r\033'
}

# run_step TITLE LOG COMMAND...: runs COMMAND with its output in LOG and shows
# that it lives: on a terminal in one moving line, else with a line now and then.
run_step() {
    local title=$1 log=$2 begun=$SECONDS told=$SECONDS status=0 live=
    shift 2
    mkdir -p -- "$(dirname -- "$log")"
    if [[ -t 2 && ${TERM:-dumb} != dumb ]]; then
        live=1
    else
        note "$title ..."
    fi
    "$@" >"$log" 2>&1 &
    STEP_PID=$!
    while kill -0 "$STEP_PID" 2>/dev/null; do
        if [[ -n $live ]]; then
            # Cut to 79 columns: a line that wraps cannot be drawn over.
            printf '\r\033[K%s' "$(cut -c 1-79 <<<"$title ... $((SECONDS - begun)) s  $(step_tail "$log")")" >&2
        elif ((SECONDS - told >= 15)); then
            told=$SECONDS
            note "$(cut -c 1-79 <<<"  $((SECONDS - begun)) s: $(step_tail "$log")")"
        fi
        sleep 0.2
    done
    wait "$STEP_PID" || status=$?
    STEP_PID=
    [[ -z $live ]] || printf '\r\033[K' >&2
    if ((status != 0)); then
        note "$title: failed after $((SECONDS - begun)) s. The last lines of $log:"
        tail -n 30 -- "$log" | sed 's/^/  | /' >&2
        return "$status"
    fi
    note "$title: done in $((SECONDS - begun)) s"
}
