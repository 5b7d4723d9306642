# shellcheck shell=bash
# script/count-results: what runs is counted, and what fails cannot be overlooked.
set -euo pipefail
script=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../script
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# expect LINE STATUS CTEST-STATUS: counts the entries on standard input.
expect() {
    local got status=0
    { echo '<testsuite>' && cat && echo '</testsuite>'; } >"$work/results.xml"
    got=$(perl "$script/count-results" "$work/results.xml" "$3" | tail -n 1) || status=$?
    if [[ $got != "$1" || $status != "$2" ]]; then
        echo "FAILED: expected \"$1\" and status $2, got \"$got\" and $status" >&2
        exit 1
    fi
    echo "ok: $got"
}

entry() {
    printf '<testcase name="%s" classname="x" time="1" status="%s">\n%s<system-out>%s</system-out></testcase>\n' \
        "$1" "$2" "${4:-}" "$3"
}

entry unit run '' | expect '1 passed, 0 failed' 0 0
true | expect '0 passed, 0 failed' 1 0
# pg_regress: up to PostgreSQL 15, and from 16 on.
entry regress run $'test one   ... ok   12 ms\ntest two ... ok    3 ms' | expect '2 passed, 0 failed' 0 0
entry regress fail $'test one   ... ok   12 ms\ntest two ... FAILED    3 ms' | expect '1 passed, 1 failed' 1 8
entry regress run $'ok 1         - one      12 ms\nok 2         + two      3 ms' | expect '2 passed, 0 failed' 0 0
entry regress fail $'ok 1         - one      12 ms\nnot ok 2     - two      3 ms' | expect '1 passed, 1 failed' 1 8
# All files passed, then the runner crashed.
entry regress fail $'test one   ... ok   12 ms' | expect '1 passed, 1 failed' 1 8
# One TAP file is one test, whatever it prints.
entry tap run $'ok 1 - a\nok 2 - b\n1..2' | expect '1 passed, 0 failed' 0 0
entry tap fail $'ok 1 - a\nnot ok 2 - b\n1..2' | expect '0 passed, 1 failed' 1 8
# Skipped on purpose is not passed; not run for want of the program is a failure.
{ entry a run '' && entry b notrun '' '<skipped message="SKIP_RETURN_CODE=77"/>'; } |
    expect '1 passed, 0 failed, 1 skipped' 0 0
{ entry a run '' && entry b notrun '' '<skipped message="Unable to find executable"/>'; } |
    expect '1 passed, 1 failed' 1 8
# Building is set-up.
{ entry build.x run '' && entry a run ''; } | expect '1 passed, 0 failed' 0 0
entry build.x fail '' | expect '0 passed, 1 failed' 1 8
# ctest failed, and the file does not say why.
entry a run '' | expect '1 passed, 1 failed' 1 8
