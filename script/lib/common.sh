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

STEP_PID=
stop_step() {
    if [[ -n $STEP_PID ]]; then
        kill "$STEP_PID" 2>/dev/null || true
        wait "$STEP_PID" 2>/dev/null || true
        STEP_PID=
    fi
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
