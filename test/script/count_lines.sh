# shellcheck shell=bash
# script/count-lines: lines compiled several times count once, what is too little is a failure.
set -euo pipefail
script=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../script

# lines SOURCE COUNT...: what gcov says about a file whose lines are run so often.
lines() {
    local number=0 count
    printf '        -:    0:Source:%s\n' "$1"
    shift
    for count in "$@"; do
        number=$((number + 1))
        printf '%9s:%5d:text\n' "$count" "$number"
    done
}

# expect STATUS LINE
expect() {
    local got status=0
    got=$(perl "$script/count-lines") || status=$?
    if [[ $status != "$1" ]] || ! grep -qxF "$2" <<<"$got"; then
        printf 'FAILED: expected status %s and "%s", got %s and:\n%s\n' "$1" "$2" "$status" "$got" >&2
        exit 1
    fi
    echo "ok: $2"
}

rest() {
    lines extension/server/a.cpp 1
    lines /a/b/tool/c/d.cpp 1
}

{ rest && lines extension/core/a.cpp 1 - '#####' '3*' '====='; } | expect 1 'extension/core: 50.0 % of 4 lines, LESS THAN 90 %'
{ rest && lines extension/core/a.cpp 1 '#####' && lines /x/extension/core/a.cpp '#####' 2; } |
    expect 0 'extension/core: 100.0 % of 2 lines, at least 90 %'
{ rest && lines extension/core/a.cpp 1 && lines /usr/include/a.h '#####' && lines /x/build/tool/made.cpp '#####'; } |
    expect 0 'tool: 100.0 % of 1 lines, at least 90 %'
rest | expect 1 'extension/core: 0.0 % of 1 lines, LESS THAN 90 %'
