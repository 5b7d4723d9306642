# shellcheck shell=bash
# The worker's own socket on a full server: root and the server's OS user are answered,
# nobody else is; and the tool believes nobody but the server.
set -euo pipefail
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
script=$here/../../script

if [[ $(id -u) -ne 0 ]]; then
    echo "skipped: only root can try it as other users"
    exit 77
fi

check() {
    if ! "${@:2}"; then
        echo "FAILED: $1" >&2
        [[ ! -s ${work:-}/out ]] || sed 's/^/  | /' "$work/out" "$work/err" >&2
        exit 1
    fi
    echo "ok: $1"
}

# The first pass starts the server; all the rest is the second one's.
if [[ ${1:-} != inside ]]; then
    work=$(mktemp -d /tmp/leash.XXXXXX)
    trap 'rm -rf -- "$work"' EXIT
    chmod 0755 "$work"
    install -m 0755 "$here/../../build/tool/pgleash" "$here/refusing_server.pl" "$work"
    # In /tmp, where everybody gets at it, and where the tool looks for a local server.
    "$script/with-server" --conf "unix_socket_directories = '/tmp'" --conf 'max_connections = 4' \
        --conf 'superuser_reserved_connections = 0' --conf "pg_leash.idle_in_transaction_threshold = '1ms'" \
        -- bash "${BASH_SOURCE[0]}" inside "$work" </dev/null
    exit
fi

work=$2
export PGHOST=/tmp
server=/tmp/.s.PGSQL.$PGPORT
socket=/tmp/.s.pgleash.$PGPORT
owner=$(stat -c %U "$server")
jobs=()
# shellcheck disable=SC2329 # called by the trap
end_jobs() {
    kill "${jobs[@]}" 2>/dev/null || true
}
trap end_jobs EXIT

# tool USER ARGUMENT...: the status is in $status, the output in $work/out and err.
tool() {
    local user=$1
    shift
    status=0
    (cd / && runuser -u "$user" -- env PGUSER=postgres "$work/pgleash" "$@") >"$work/out" 2>"$work/err" || status=$?
}

says() {
    grep -q -- "$2" "$work/$1"
}

# ask USER: what the worker says to who talks to it without the tool.
ask() {
    # shellcheck disable=SC2016 # for perl
    runuser -u "$1" -- perl -MIO::Socket::UNIX -e '
        $SIG{PIPE} = "IGNORE"; # it may have been turned away before it could ask
        my $socket = IO::Socket::UNIX->new(Peer => shift) or die "no way in: $!\n";
        syswrite $socket, "pgleash 1 status\n";
        print while sysread $socket, $_, 8192;' "$socket" >"$work/out" 2>"$work/err" || true
}

refuse_at() {
    perl "$work/refusing_server.pl" "$@" &
    jobs+=($!)
}

wait_for() {
    local tries
    for ((tries = 0; tries < 600; tries++)); do
        ! "$@" >/dev/null 2>&1 || return 0
        sleep 0.1
    done
    return 1
}

listens() {
    perl -MIO::Socket::INET -e 'exit !IO::Socket::INET->new($ARGV[0])' "$1"
}

psql -qXc 'CREATE EXTENSION pg_leash'

# --- another server behind a port of this machine -------------------------------------

refuse_at "127.0.0.1:$PGPORT"
wait_for listens "127.0.0.1:$PGPORT"
tool root -h 127.0.0.1 status
check "a port on this machine may lead to another server" test "$status" = 1
check "the worker of the one that refused nobody is not asked" says err 'has refused nobody just now, so it is another one'
kill "${jobs[0]}"
wait "${jobs[0]}" 2>/dev/null || true

# --- every slot is taken -----------------------------------------------------------------

# Clients read from a pipe into which nobody writes, until this script is gone.
mkfifo "$work/silence"
exec 8<>"$work/silence"
fill() {
    PGAPPNAME=leaky psql -qX -c BEGIN -c 'SELECT 1' -f - <"$work/silence" >/dev/null 2>&1 8>&- &
    jobs+=($!)
}
for _ in 1 2 3 4; do fill; done
is_full() {
    tool root status
    says out '4 of 4 used' && says err 'asking the worker' # else the fourth is the tool itself
}
check "root gets in when every slot is taken" wait_for is_full
check "and is told how" says err "^pgleash: note: every connection slot is taken; asking the worker over $socket\$"
tool "$owner" leaks
check "the server's user gets in" test "$status" = 0
check "and sees who leaks" says out 'leaky'
refuse_at "127.0.0.1:$PGPORT" "$server"
wait_for listens "127.0.0.1:$PGPORT"
tool root -h localhost status
check "by the name of this machine too" says out '4 of 4 used'

tool nobody status
check "another user is refused" test "$status" = 1
check "and told who would not be" says err "; the worker's socket $socket answers OS user $owner and root only: run pgleash as one of them\$"
ask nobody
check "it is the kernel that refuses" says err 'no way in: Permission denied'

# Even when somebody opens the socket's file to all.
chmod 0777 "$socket"
for _ in 1 2 3; do
    ask nobody
    check "the worker refuses by itself" says out '"sqlstate":"42501"'
done
tool nobody terminate 1.1
check "and the tool says it in the same words" says err "answers OS user $owner and root only"
refusals=$(grep -c "pg_leash refused OS user $(id -u nobody) at its control socket" "$LEASH_SERVER_LOG")
check "the log has one line about it a minute" test "$refusals" = 1
chmod 0700 "$socket"

tool root sessions --csv --limit 1
victim=$(tail -n 1 "$work/out" | cut -d, -f1)
tool root terminate "$victim"
check "root frees a slot" says out 'ended'
check "which can be taken" psql -qXAtc 'SELECT 1' -o /dev/null

# --- who listens there ----------------------------------------------------------------------

mkdir "$work/s"
refuse_at "$work/s/.s.PGSQL.7"
wait_for test -S "$work/s/.s.PGSQL.7"
tool root -h "$work/s" -p 7 status
check "without the worker's socket" test "$status" = 1
check "the error says so" says err '\.s\.pgleash\.7": No such file or directory (is pg_leash in shared_preload_libraries?)$'
chmod 0777 "$work/s"
runuser -u nobody -- perl "$work/refusing_server.pl" "$work/s/.s.pgleash.7" &
jobs+=($!)
wait_for test -S "$work/s/.s.pgleash.7"
chown "$owner" "$work/s/.s.PGSQL.7"
tool root -h "$work/s" -p 7 status
check "whoever is not the server is not believed" test "$status" = 1
check "and named" says err "OS user nobody listens there, but the server's socket belongs to $owner\$"
