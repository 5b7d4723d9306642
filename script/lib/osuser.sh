# shellcheck shell=bash
# PostgreSQL refuses to run as root.  Servers and what starts servers run as
# SERVER_USER: the caller, or when that is root, the packages' user "postgres".

find_server_user() {
    if ! is_root; then
        SERVER_USER=$(id -un)
        return
    fi
    SERVER_USER=${LEASH_OS_USER:-postgres}
    if ! id -u "$SERVER_USER" >/dev/null 2>&1; then
        die "a server cannot run as root, and there is no system user \"$SERVER_USER\"" \
            "Make one (useradd --system postgres), or set LEASH_OS_USER to a user that exists."
    fi
}

as_server_user() {
    if is_root; then
        runuser -u "$SERVER_USER" -- "$@"
    else
        "$@"
    fi
}

give_to_server_user() {
    if is_root; then
        chown -R -- "$SERVER_USER": "$@"
    fi
}

# Whether SERVER_USER can use the tree where it lies.  A clone below a folder of
# mode 0700 (root's home) is out of reach; and a few characters that have a
# meaning in PostgreSQL's lists of paths are better not met there.
tree_is_usable() {
    [[ $PROJECT != *[,:\"\'\\\$]* ]] && as_server_user test -r "$PROJECT/script/lib.sh" -a -x "$BUILD"
}

# make_run_dir NAME: a new folder that belongs to SERVER_USER; prints its path.
make_run_dir() {
    local base=$BUILD/run dir
    if ! tree_is_usable; then
        base=${TMPDIR:-/tmp}
        # A root's private TMPDIR is as far away as its home.
        as_server_user test -x "$base" || base=/tmp
    fi
    mkdir -p -- "$base"
    dir=$(mktemp -d -- "$base/$1.XXXXXX")
    give_to_server_user "$dir"
    printf '%s\n' "$dir"
}
