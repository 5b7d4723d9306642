# shellcheck shell=bash disable=SC2034
# PostgreSQL's sources, for its own tests: what a build of ours leaves beside itself, or the
# source package of the distribution's server.

# The release of the source package that the installed server was built from.
distribution_version() {
    # shellcheck disable=SC2016 # dpkg-query expands it
    dpkg-query -W -f '${source:Version}' "postgresql-$1" 2>/dev/null
}

# unpack_release DIR MAJOR SUITE WHICH: false when the mirror does not have it.
unpack_release() {
    rm -rf -- "$1"/{lists,source}
    write_apt "$1" "$3" "$3"
    own_apt "$1" update >"$1/update.log" 2>&1 && unpack_fetched "$1" "$2" "$4" >"$1/fetch.log" 2>&1
}

# fetch_distribution_source DIR MAJOR: leaves the unpacked source package in DIR/postgresql. A
# release is in one of three places, by its age and by why it was made. Mirrors may lack the
# newest: then it is the one that the distribution was released with last.
fetch_distribution_source() {
    local version codename suite
    version=$(distribution_version "$2") || die "the package postgresql-$2 is not installed"
    codename=$(own_codename)
    note "Fetching the source package postgresql-$2 $version ..."
    for suite in "$codename-security" "$codename" "$codename-updates"; do
        ! unpack_release "$1" "$2" "$suite" "=$version" || return 0
    done
    unpack_release "$1" "$2" "$codename" "/$codename" ||
        die "the source package postgresql-$2 cannot be fetched from the distribution" \
            "What apt said is in $1/fetch.log. Unpacked sources can be put in $1/postgresql."
}

# need_sources MAJOR: prints where its sources are, of its build or of the distribution's package.
need_sources() {
    local work
    if source_suites "$1" >/dev/null; then
        work=$(postgres_cache)/build-$1
        is_built "$1" || build_in_turn "$1" >&2
    else
        work=$(postgres_cache)/source-$1
        if [[ ! -f $work/postgresql/configure ]]; then
            need_source_packages
            mkdir -p -- "$work"
            fetch_distribution_source "$work" "$1"
            rm -rf -- "$work"/{lists,cache,source}
            chmod -R a+rX -- "$work/postgresql"
        fi
    fi
    [[ -f $work/postgresql/configure ]] ||
        die "the sources of PostgreSQL $1 are not in $work/postgresql any more" \
            "script/postgres --again $1 fetches and builds them anew."
    printf '%s\n' "$work/postgresql"
}

# need_build_of MAJOR SOURCES: sets PG_CONFIG to that of a build of them, where the distribution's
# own server of that major is of another release, or without assertions.
need_build_of() {
    is_built "$1" || build_in_turn "$1" "$2"
    PG_CONFIG=$(built_pg_config "$1")
}
