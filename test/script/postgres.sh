# shellcheck shell=bash
# script/postgres: a build counts when it is complete and not before, one that is there
# needs no network, and what cannot be had is said with a remedy.  PostgreSQL's sources are
# played by a folder that "builds" at once.
set -euo pipefail
script=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../script
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
chmod 755 "$work"
export PG_LEASH_CACHE=$work/cache
# Whoever asks the network after all is refused at once.
export PG_LEASH_DEBIAN_MIRROR=http://127.0.0.1:1/debian

check() {
    if ! "${@:2}"; then
        echo "FAILED: $1" >&2
        cat -- "$work/error" >&2
        exit 1
    fi
    echo "ok: $1"
}

# run ARGUMENT...: what it prints is in $work/answer and $work/error, its status in $status.
run() {
    status=0
    "$script/postgres" "$@" >"$work/answer" 2>"$work/error" </dev/null || status=$?
}

says() {
    grep -q -- "$1" "$work/error"
}

# make_sources VERSION: a folder that configure, make and make install can be run in.
make_sources() {
    rm -rf -- "$work/sources"
    mkdir -p -- "$work/sources/src/test/modules/injection_points"
    cat >"$work/sources/configure" <<EOF_CONFIGURE
#!/bin/sh
PACKAGE_VERSION='$1'
echo "\$@" >options
for option; do case \$option in --prefix=*) echo "PREFIX = \${option#--prefix=}" >settings.mk ;; esac; done
EOF_CONFIGURE
    chmod 755 "$work/sources/configure"
    cat >"$work/sources/Makefile" <<'EOF_MAKE'
include settings.mk
world-bin:
	echo built
install-world-bin:
	mkdir -p "$(DESTDIR)$(PREFIX)/bin"
	cp options "$(DESTDIR)$(PREFIX)/bin/pg_config"
	chmod 755 "$(DESTDIR)$(PREFIX)/bin/pg_config"
EOF_MAKE
    printf 'all:\ninstall:\n\ttrue\n' >"$work/sources/src/test/modules/injection_points/Makefile"
}

run 14
check "a version that is too old is refused" test "$status" = 1
check "with those that are not" says '15 17 18 19'
run eighteen
check "what is no version is refused" test "$status" = 1
run --source "$work/nowhere" 18
check "so are sources that are not there" says 'does not exist'

for package in build-essential bison flex libipc-run-perl; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || {
        echo "skipped: $package is not installed, and this test installs nothing" >&2
        exit 77
    }
done

run 18
check "without a network it fails" test "$status" = 1
check "and says what cannot be read" says 'lists of Debian'
check "and what to do" says PG_LEASH_CACHE
check "nothing counts as built" test ! -e "$PG_LEASH_CACHE/postgresql-18"

make_sources 17.9
run --source "$work/sources" 18
check "sources of another version are refused" says 'is of PostgreSQL 17.9, not 18'

make_sources 18.9
printf 'false-install:\n' >"$work/sources/src/test/modules/injection_points/Makefile"
run --source "$work/sources" 18
check "a build that fails half-way is a failure" test "$status" != 0
check "and does not count" test ! -e "$PG_LEASH_CACHE/postgresql-18"

make_sources 18.9
run --source "$work/sources" 18
check "a build succeeds" test "$status" = 0
pg_config=$PG_LEASH_CACHE/postgresql-18/bin/pg_config
check "its pg_config is printed, and nothing else" test "$(<"$work/answer")" = "$pg_config"
check "it was configured with assertions" grep -q -- --enable-cassert "$pg_config"
check "and with injection points" grep -q -- --enable-injection-points "$pg_config"

run 18
check "it is there the next time, without a network" test "$(<"$work/answer")" = "$pg_config"
check "and nothing is said about it" test ! -s "$work/error"

make_sources 18.10
printf 'world-bin:\n\tfalse\n' >"$work/sources/Makefile"
run --source "$work/sources" 18
check "another build that fails" test "$status" != 0
run 18
check "leaves the one before" test "$(<"$work/answer")" = "$pg_config"

if [[ $(id -u) -eq 0 ]]; then
    chmod 700 "$work"
    run 18
    check "a place that the servers' user cannot enter is named" says 'is out of reach for'
fi
