# shellcheck shell=bash
# A private, throwaway PostgreSQL server.  It listens on a Unix socket in a
# folder of mode 0700, keeps all it has in one folder, and goes without trace.
#
#   RUN_DIR            (0700, of SERVER_USER)
#     data/            initdb's folder
#     server.log
#     s/               the socket, unless the path is too long for one
#     alive            a pipe that the guard listens at, see guard_server

SOCKET_PATH_MAX=107 # sun_path, less its closing zero
SOCKET_NAME_MAX=24  # "/.s.pgleash.65535.lock" and a little

# A string as a value in postgresql.conf.
conf_quote() {
    printf "'%s'" "${1//\'/\'\'}"
}

# A path as an element of a list of paths; PostgreSQL wants quotes around blanks.
list_quote() {
    if [[ $1 == *[[:space:]]* ]]; then
        printf '"%s"' "$1"
    else
        printf '%s' "$1"
    fi
}

# Without TCP the port only names the socket; it is still one that nobody uses.
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        # The kernel refuses at once where nobody listens.
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            printf '%s\n' "$port"
            return
        fi
    done
}

make_socket_dir() {
    local dir=$RUN_DIR/s LC_ALL=C
    if ((${#dir} + SOCKET_NAME_MAX > SOCKET_PATH_MAX)); then
        dir=$(mktemp -d /tmp/leash.XXXXXX)
    else
        mkdir -- "$dir"
    fi
    chmod 0700 "$dir"
    give_to_server_user "$dir"
    SOCKET_DIR=$dir
}

# The private installation in a place that SERVER_USER can reach.
copy_private_postgres() {
    use_private_postgres
    mkdir -- "$1/build"
    cp -RP -- "$(private_dir)" "$1/build/"
    chmod -R a+rX "$1/build"
    use_private_postgres "$1"
}

write_conf() {
    local line
    printf '\n# --- a throwaway server: speed before safety ---\n'
    printf 'fsync = off\nfull_page_writes = off\n'
    printf "listen_addresses = ''\nport = %s\n" "$PGPORT"
    printf "unix_socket_directories = %s\n" "$(conf_quote "$(list_quote "$SOCKET_DIR")")"
    printf "log_line_prefix = '%%m [%%c] %%q%%u@%%d/%%a '\n"
    printf "shared_preload_libraries = 'pg_leash'\n"
    for line in "$@"; do
        printf '%s\n' "$line"
    done
}

# In its own folder: the caller's may be closed to SERVER_USER, which then complains.
pg_tool() {
    (cd -- "$RUN_DIR" && as_server_user "$PG_BINDIR/$1" "${@:2}")
}

# start_server NAME [CONF-LINE...]: exports PGHOST, PGPORT, PGUSER, PGDATABASE,
# PGDATA and LEASH_SERVER_LOG.
start_server() {
    local name=$1
    shift
    RUN_DIR=$(make_run_dir "$name")
    if tree_is_usable; then
        use_private_postgres
    else
        note "$PROJECT is out of reach for the user $SERVER_USER: the server's folder is $RUN_DIR"
        copy_private_postgres "$RUN_DIR"
    fi
    make_socket_dir
    PGDATA=$RUN_DIR/data
    LEASH_SERVER_LOG=$RUN_DIR/server.log
    PGPORT=$(free_port)
    PGHOST=$SOCKET_DIR PGUSER=postgres PGDATABASE=postgres
    # What the caller's own connections use must not reach into ours.
    unset PGHOSTADDR PGSERVICE PGSERVICEFILE PGPASSWORD PGPASSFILE PGOPTIONS PGAPPNAME PGSSLMODE \
        PGTARGETSESSIONATTRS PGCLIENTENCODING PGREQUIREAUTH PGLEASH_DSN PGLEASH_FORMAT
    # psql and its like of the same version.
    PATH=$PG_BINDIR:$PATH
    export PGHOST PGPORT PGUSER PGDATABASE PGDATA LEASH_SERVER_LOG PATH
    if ! pg_tool initdb -D "$PGDATA" -A trust -U postgres -E UTF8 --no-locale -N >"$RUN_DIR/initdb.out" 2>&1; then
        cat -- "$RUN_DIR/initdb.out" >&2
        die "initdb failed"
    fi
    write_conf "$@" >>"$PGDATA/postgresql.conf"
    guard_server
    if ! pg_tool pg_ctl -D "$PGDATA" -l "$LEASH_SERVER_LOG" -w -t 60 start >"$RUN_DIR/pg_ctl.out" 2>&1 9>&-; then
        # The caller's exit trap shows the server's log.
        die "the server did not start: $(tr '\n' ' ' <"$RUN_DIR/pg_ctl.out")"
    fi
}

show_server_log() {
    if [[ -s ${LEASH_SERVER_LOG:-} ]]; then
        note "The last lines of the server's log:"
        tail -n 25 -- "$LEASH_SERVER_LOG" | sed 's/^/  | /' >&2
    fi
}

# guard DIR FUNCTION: runs FUNCTION when this script is gone.
#
# Whoever kills this script without a chance to clean up (kill -9, ctest on a
# time-out) must not leave a server behind.  The guard is a process of its own
# that reads from a pipe; once nobody holds the pipe's other end, it acts.  Only
# this script holds it: descriptor 9 must be closed for all it starts.
guard() {
    mkfifo -- "$1/alive"
    exec 9<>"$1/alive"
    # --fork: no child of ours, so that killing our whole family spares it.
    setsid --fork bash -c "trap '' HUP INT TERM; cat >/dev/null; $2" <"$1/alive" >/dev/null 2>&1 9>&-
}

guard_server() {
    export -f remove_server pg_tool as_server_user is_root
    export RUN_DIR SOCKET_DIR PG_BINDIR SERVER_USER
    # shellcheck disable=SC2016 # expanded by the guard
    guard "$RUN_DIR" '[[ ! -d $RUN_DIR ]] || remove_server immediate'
}

remove_server() {
    if [[ -f $PGDATA/postmaster.pid ]]; then
        pg_tool pg_ctl -D "$PGDATA" -m "$1" -w -t 60 stop >/dev/null 2>&1 ||
            pg_tool pg_ctl -D "$PGDATA" -m immediate -w -t 30 stop >/dev/null 2>&1 || true
    fi
    rm -rf -- "$RUN_DIR" "$SOCKET_DIR"
}

# Always the last act; may be called twice, and before a server was started.
stop_server() {
    if [[ -n ${RUN_DIR:-} && -d $RUN_DIR ]]; then
        remove_server fast
    fi
    exec 9>&-
}
