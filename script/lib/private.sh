# shellcheck shell=bash
# A private copy of the PostgreSQL installation, with our extension in it.
#
# PostgreSQL finds its files relative to where its program lies.  So a copy of
# the programs, beside links to everything else, is an installation of its own:
# the servers of these scripts load the extension from there, root is not needed
# to put it in, and no server that is in use gets a library exchanged.  It is how
# PostgreSQL's own "make check" works, and every version can do it.

# private_dir [TREE]: the folder below which the installation's paths repeat.
private_dir() {
    printf '%s/build/pg-%s\n' "${1:-$PROJECT}" "$PG_MAJOR"
}

# link_all FROM TO: TO gets a link to each thing that is in FROM and not in TO.
link_all() {
    local path
    mkdir -p -- "$2"
    for path in "$1"/*; do
        [[ -e $2/${path##*/} ]] || ln -s -- "$path" "$2/"
    done
}

# A program that the servers are run by (script/sanitize, script/valgrind) takes the place
# of theirs, which stays beside it as postgres.real.
put_in_front() {
    [[ -n ${LEASH_RUN_POSTGRES:-} ]] || return 0
    [[ -e $1/postgres.real ]] || mv -- "$1/postgres" "$1/postgres.real"
    install -m 0755 -- "$LEASH_RUN_POSTGRES" "$1/postgres"
}

# Anew when the original has been upgraded, or another one is asked for; what has been
# installed beside it since is linked too.
make_private_postgres() {
    local root bindir libdir sharedir program=postgres
    root=$(private_dir)
    bindir=$("$PG_CONFIG" --bindir) libdir=$("$PG_CONFIG" --pkglibdir)
    sharedir=$("$PG_CONFIG" --sharedir)
    [[ -z ${LEASH_RUN_POSTGRES:-} ]] || program=postgres.real
    if ! cmp -s -- "$bindir/postgres" "$root$bindir/$program"; then
        rm -rf -- "$root"
        mkdir -p -- "$root$bindir" "$root$libdir/bitcode" "$root$sharedir/extension"
        # Copies, for a program follows a link to itself before it looks around.
        cp -RL -- "$bindir/." "$root$bindir/"
    fi
    put_in_front "$root$bindir"
    link_all "$libdir" "$root$libdir"
    link_all "$sharedir" "$root$sharedir"
    link_all "$sharedir/extension" "$root$sharedir/extension"
    # What is installed on the machine of ours is not what is to be tried.
    find "$root$libdir" "$root$sharedir/extension" -maxdepth 1 -type l -name 'pg_leash*' -delete
}

# use_private_postgres [TREE]: makes PG_BINDIR the private one.
use_private_postgres() {
    local bindir
    bindir=$(private_dir "$@")$("$PG_CONFIG" --bindir)
    if [[ ! -x $bindir/postgres ]]; then
        die "the extension is not built yet for PostgreSQL $PG_MAJOR" "Run script/build, then this again."
    fi
    PG_BINDIR=$bindir
    export PG_BINDIR
}
