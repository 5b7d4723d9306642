# shellcheck shell=bash
# script/with-server: its exit status is the command's, and no server survives it,
# however it ends.
set -euo pipefail
script=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../script
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

check() {
    if ! "${@:2}"; then
        echo "FAILED: $1" >&2
        exit 1
    fi
    echo "ok: $1"
}

# The folder of the server that wrote $work/pgdata is there no more, soon.
gone() {
    local pgdata tries
    pgdata=$(<"$work/pgdata")
    for ((tries = 0; tries < 100; tries++)); do
        [[ -e $(dirname -- "$pgdata") ]] || return 0
        sleep 0.1
    done
    return 1
}

wait_for() {
    local tries
    for ((tries = 0; tries < 300; tries++)); do
        [[ ! -s $1 ]] || return 0
        sleep 0.1
    done
    return 1
}

status=0
# shellcheck disable=SC2016 # expanded by the inner shell
PGLEASH_DSN='host=/nonexistent' "$script/with-server" -- bash -c 'echo "${PGLEASH_DSN-none}" >"$0/dsn"; psql -XAtqc "SELECT 40 + 2" >"$0/answer"; echo "$PGDATA" >"$0/pgdata"; exit 7' \
    "$work" 2>/dev/null </dev/null || status=$?
check "the status is the command's" test "$status" = 7
check "the command reached the server" test "$(<"$work/answer")" = 42
check "pgleash is not sent elsewhere" test "$(<"$work/dsn")" = none
check "nothing is left after a normal end" gone

status=0
"$script/with-server" --conf 'no_such_setting = on' -- true >/dev/null 2>"$work/error" || status=$?
check "a server that cannot start is a failure" test "$status" = 1
check "its log is shown" grep -q no_such_setting "$work/error"

for signal in TERM KILL; do
    rm -f -- "$work/pgdata"
    # shellcheck disable=SC2016
    "$script/with-server" -- bash -c 'echo "$PGDATA" >"$0/pgdata.new"; mv "$0/pgdata.new" "$0/pgdata"; echo $$ >"$0/pid"; exec sleep 60' \
        "$work" >/dev/null 2>&1 </dev/null &
    check "a server runs" wait_for "$work/pgdata"
    check "and its command" wait_for "$work/pid"
    kill "-$signal" $!
    wait $! 2>/dev/null || true
    check "nothing is left after SIG$signal" gone
    kill "$(<"$work/pid")" 2>/dev/null || true
    rm -f -- "$work/pid"
done
