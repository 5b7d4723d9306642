# shellcheck shell=bash
# The unit of pgleash serve: systemd understands all of it, and finds little exposed.
set -euo pipefail
unit=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../deploy/systemd/pgleash.service
command -v systemd-analyze >/dev/null || {
    echo "systemd-analyze is not installed"
    exit 77
}
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
# The program and the manual need not be installed here.
sed 's|^ExecStart=/usr/bin/pgleash|ExecStart=/bin/true|; /^Documentation=/d' "$unit" >"$work/pgleash.service"

said=$(systemd-analyze verify "$work/pgleash.service" 2>&1) || {
    echo "FAILED: $said" >&2
    exit 1
}
! grep -F pgleash.service <<<"$said" || exit 1
echo "ok: systemd understands it"

# Tenths of 0 (nothing exposed) to 10; the best of Debian's own services have about 20.
if said=$(systemd-analyze security --offline=yes --threshold=20 "$work/pgleash.service" 2>&1); then
    grep 'exposure level' <<<"$said"
    echo "ok: little is exposed"
elif grep -q 'exposure level' <<<"$said"; then
    echo "FAILED: $said" >&2
    exit 1
else
    echo "not checked, how much is exposed: $(tail -n 1 <<<"$said")"
fi
