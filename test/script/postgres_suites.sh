# shellcheck shell=bash disable=SC2016
# script/postgres-suites: a test that fails with pg_leash alone counts, one that fails without it in
# the same way does not, and one that fails in another way does.  PostgreSQL's sources are played by a
# module with a few tests.
set -euo pipefail
script=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../script
if [[ -n ${PG_CONFIG:-} && $("$PG_CONFIG" --version) != "PostgreSQL 15"* ]] || [[ ! -x /usr/lib/postgresql/15/bin/postgres ]]; then
    echo "skipped: this is about the distribution's own server, PostgreSQL 15" >&2
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
export PG_LEASH_CACHE=$work/cache
sources=$PG_LEASH_CACHE/source-15/postgresql
module=$sources/contrib/pg_prewarm

check() {
    if ! "${@:2}"; then
        echo "FAILED: $1" >&2
        cat -- "$work/answer" >&2
        exit 1
    fi
    echo "ok: $1"
}

run() {
    printf '%s\n' "REGRESS = $*" 'PGXS := $(shell $(PG_CONFIG) --pgxs)' 'include $(PGXS)' >"$module/Makefile"
    status=0
    "$script/postgres-suites" --postgres 15 --pass first pg_prewarm >"$work/answer" 2>&1 </dev/null || status=$?
}

says() {
    grep -qE -- "$1" "$work/answer"
}

# make_test NAME QUERY ANSWER
make_test() {
    printf '%s\n' "\\pset tuples_only" "$2" >"$module/sql/$1.sql"
    printf '%s\n' '\pset tuples_only' "$2" " $3" '' >"$module/expected/$1.out"
}

mkdir -p -- "$sources/src/test/regress" "$module"/{sql,expected}
echo "PACKAGE_VERSION='15.0'" >"$sources/configure"
printf '%s\n' '#include "postgres.h"' '#include "fmgr.h"' 'PG_MODULE_MAGIC;' >"$sources/src/test/regress/regress.c"
libraries="SELECT current_setting('shared_preload_libraries');"
make_test sound 'SELECT 1;' '       1'
make_test both 'SELECT 1;' '       2'
make_test ours "$libraries" pg_prewarm
make_test other "$libraries" nothing
chmod -R a+rX "$work"

run sound both
check "what fails without pg_leash too does not count" test "$status" = 0
check "the table says so" says '^15 +pg_prewarm +first +2 +0 +1 '
check "and which" says 'first: both \(fails without pg_leash too, in the same way\)$'
check "another release than the server's is named" says 'sources at hand are of 15.0'
check "what pg_leash did is told" says 'statements and [0-9]+ plans kept'

run sound both ours other
check "what fails with pg_leash alone counts" test "$status" = 1
check "so does what fails in another way" says '^15 +pg_prewarm +first +4 +2 +1 '
check "both are named" says 'first: ours$'
check "the second too" says 'first: other$'

run
check "no test at all is no success" test "$status" = 1
