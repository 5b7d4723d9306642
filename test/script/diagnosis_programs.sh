#!/usr/bin/env bash
# Every client program that doc/diagnosis.md names exists, and every one that leaks is in it.
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.."
named=$(grep -oE '[A-Za-z_]+\.(mjs|py|java)' doc/diagnosis.md | sort -u)
failed=0
for program in $named; do
    ls test/clients/*/"$program" >/dev/null 2>&1 || { echo "named, but there is none: $program"; failed=1; }
done
for program in test/clients/{node,python,java}/*; do
    case $program in
    */story.* | *_habit.mjs | *_listener.mjs | */advised*) continue ;; # no leak, nothing to mend
    */pg_client_per_request.mjs | */pg_fan_out.mjs | */pg_large_pool.mjs | */pg_leaking_route.mjs | \
        */psycopg_no_index.py) continue ;; # crises, which pgleash plan explains
    *.mjs | *.py | *.java) ;;
    *) continue ;;
    esac
    grep -qF "$(basename "$program")" <<<"$named" || { echo "not in the page: $program"; failed=1; }
done
exit $failed
