# shellcheck shell=bash
# Which PostgreSQL to build for and to run.

PG_MINIMUM=15

# The major version that a pg_config program belongs to.
pg_config_major() {
    local version
    version=$("$1" --version) || return 1
    version=${version#PostgreSQL }
    printf '%s\n' "${version%%[!0-9]*}"
}

# The supported majors that are installed, the lowest (the everyday one) first.
installed_majors() {
    local dir major
    for dir in /usr/lib/postgresql/*/bin/postgres; do
        major=${dir#/usr/lib/postgresql/}
        major=${major%%/*}
        if [[ -x $dir && $major =~ ^[0-9]+$ ]] && ((major >= PG_MINIMUM)); then
            printf '%s\n' "$major"
        fi
    done | sort -n
}

# The server package has a pg_config too, but not the headers.
has_headers() {
    [[ -x $1 && -f $("$1" --includedir-server)/postgres.h && -f $("$1" --pgxs) ]]
}

# The first of them that has its headers too.  Prints the path of its pg_config.
installed_pg_config() {
    local major path
    for major in $(installed_majors); do
        path=/usr/lib/postgresql/$major/bin/pg_config
        if has_headers "$path"; then
            printf '%s\n' "$path"
            return
        fi
    done
}

# The version that the distribution's own package "postgresql" stands for.
distribution_pg_major() {
    apt-cache depends postgresql 2>/dev/null |
        sed -n 's/^ *Depends: postgresql-\([0-9][0-9]*\)$/\1/p' | head -n 1
}

# Sets PG_CONFIG, PG_MAJOR, PG_BINDIR and PG_PGXS.  Environment: PG_CONFIG.
find_postgres() {
    PG_CONFIG=${PG_CONFIG:-$(installed_pg_config)}
    if [[ -z $PG_CONFIG ]]; then
        die "no PostgreSQL $PG_MINIMUM or newer with its server headers was found" \
            "Run script/build once, which installs it, or set PG_CONFIG to a pg_config program."
    fi
    PG_CONFIG=$(command -v -- "$PG_CONFIG") || die "PG_CONFIG names no program"
    PG_MAJOR=$(pg_config_major "$PG_CONFIG")
    if ((PG_MAJOR < PG_MINIMUM)); then
        die "$PG_CONFIG is of PostgreSQL $PG_MAJOR; pg_leash needs $PG_MINIMUM or newer" \
            "Set PG_CONFIG to the pg_config of a newer server."
    fi
    PG_BINDIR=$("$PG_CONFIG" --bindir)
    PG_PGXS=$(dirname -- "$(dirname -- "$(dirname -- "$("$PG_CONFIG" --pgxs)")")")
    if [[ ! -x $PG_BINDIR/postgres ]] || ! has_headers "$PG_CONFIG"; then
        die "$PG_CONFIG: its server or the server's headers are not installed" \
            "On Debian: apt-get install postgresql-$PG_MAJOR postgresql-server-dev-$PG_MAJOR"
    fi
    export PG_CONFIG PG_MAJOR PG_BINDIR PG_PGXS
}
