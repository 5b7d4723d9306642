# shellcheck shell=bash
# The alert rules: promtool finds nothing wrong with them, each fires when it is to and does
# not when it is not, and each is tried.
set -euo pipefail
rules=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../deploy/prometheus
promtool=$(command -v promtool || true)
[[ -n $promtool ]] || {
    echo "promtool is not installed (package prometheus; script/test installs it)"
    exit 77
}

said=$("$promtool" check rules "$rules/pg_leash.rules.yml") || {
    echo "$said"
    exit 1
}
[[ $said == *"SUCCESS: "*" rules found"* ]]
echo "ok: promtool finds nothing wrong"

(cd -- "$rules" && "$promtool" test rules pg_leash.rules.test.yml)
echo "ok: all fire when they are to, and not when they are not"

untried=
while read -r name; do
    grep -q "alertname: $name, exp_alerts: \[\]" "$rules/pg_leash.rules.test.yml" &&
        grep -q "alertname: $name\$" "$rules/pg_leash.rules.test.yml" || untried+=" $name"
    grep -q "runbook: .*pgleash" <(sed -n "/alert: $name\$/,/^\$/p" "$rules/pg_leash.rules.yml") || {
        echo "FAILED: $name does not say what to run" >&2
        exit 1
    }
done < <(sed -n 's/^ *- alert: //p' "$rules/pg_leash.rules.yml")
[[ -z $untried ]] || {
    echo "FAILED: not tried:$untried" >&2
    exit 1
}
echo "ok: each is tried both ways, and says what to run"
