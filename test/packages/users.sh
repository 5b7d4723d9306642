# shellcheck shell=bash
# What users of the packages do, in the machine of script/package-proof.
set -euo pipefail
# shellcheck source=script/lib/story.sh
. /srv/proof/story.sh
# shellcheck source=test/packages/machine.sh
. /srv/proof/machine.sh
# shellcheck source=test/packages/monitoring.sh
. /srv/proof/monitoring.sh

DATA=/var/lib/postgresql/15/main

# version FOLDER: of the packages in it.
version() {
    dpkg-deb -f /srv/proof/"$1"/pgleash_*.deb Version | sed 's/-[^-]*$//'
}

library_is() {
    [[ $(sql 'SELECT leash.library_version()') == "$1" ]]
}

extension_is() {
    [[ $(sql "SELECT extversion FROM pg_extension WHERE extname = 'pg_leash'") == "$1" ]]
}

# What is left to be removed by hand is what the manual says, and nothing of the machine is
# changed after it. remove [APT-COMMAND instead of the manual's]
remove() {
    follow Remove 1 2
    if (($# > 0)); then
        type_in "$1"
    else
        follow Remove 3 3
    fi
    check "what is left is what the manual names" traces_are "$DATA/pg_stat_tmp/pg_leash.stat"
    follow Remove 4
    check "nothing is called pg_leash any more" traces_are ''
    list_machine >"$WORK/after"
    check "files, packages, users are what they were before" diff -u "$WORK/before" "$WORK/after"
    check "and the server runs" sql 'SELECT 1'
}

fresh() {
    heading "pg_leash $(version new) on a server that has never seen it"
    cd /srv/proof/new
    follow "From packages"
    check "the last of $TYPED commands showed the server, by pg_leash" said '^ *Connections|used'
    check "at most 4 were typed" test "$TYPED" -le 4
    check "the library is the new one" library_is "$(version new)"

    heading "A leak is found and ended"
    make_shop
    type_in "sudo -u postgres psql -qc \"ALTER SYSTEM SET pg_leash.idle_in_transaction_threshold = '1s'\" -c 'SELECT pg_reload_conf()' -o /dev/null"
    leak
    type_in "sudo -u postgres pgleash status"
    check "status tells of it" said 'idle in txn.*checkout'
    type_in "sudo -u postgres pgleash leaks"
    check "leaks too" said 'checkout.*UPDATE orders'
    monitor
    heading "Ended"
    type_in "sudo -u postgres pgleash terminate --leaked --app checkout --yes"
    check "it was ended" said 'ended'
    client_goes_on
    check "its client was told why" grep -q 'DETAIL:.*pg_leash' "$WORK/told"
    grep -A 3 'FATAL' "$WORK/told" | sed 's/^/  | /'
    type_in "sudo -u postgres pgleash log"
    check "and it is in the journal" said 'ended.*checkout|checkout.*ended'
    monitored
    sql 'DROP TABLE orders'
    sql 'DROP ROLE shop'

    heading "The package's own test, on a cluster of its own"
    type_in "sh /srv/proof/tests/smoke"
    heading "Removed again"
    remove
}

upgrade() {
    local old new
    old=$(version old)
    new=$(version new)
    heading "An upgrade from $old to $new"
    cd /srv/proof/old
    follow "From packages" 1 3
    check "$old is there" extension_is "$old"
    make_shop
    sql "ALTER SYSTEM SET pg_leash.idle_in_transaction_threshold = '1s'"
    sql 'SELECT pg_reload_conf()' >/dev/null
    type_in "sudo -u postgres pgleash policy apply /usr/share/pgleash/policies.toml --yes"
    policies=$(sql 'SELECT count(*) FROM leash.policies')
    leak

    heading "The packages are new, the server still has the old library in memory"
    cd /srv/proof/new
    follow Upgrade 1 1
    check "a new session has the old library" library_is "$old"
    type_in "sudo -u postgres pgleash leaks"
    check "the new pgleash shows the leak, which outlived it" said 'checkout.*UPDATE orders'
    refuse "sudo -u postgres psql -c 'ALTER EXTENSION pg_leash UPDATE'"
    check "an update now is refused, and the remedy named" said 'HINT: +Restart the server'
    check "all works as before" leaks
    type_in "sudo -u postgres pgleash terminate --leaked --app checkout --yes"
    check "also ending one" said 'ended'
    client_goes_on

    heading "After the restart"
    follow Upgrade 2 2
    check "the library is the new one" library_is "$new"
    leak
    type_in "sudo -u postgres pgleash leaks"
    check "the objects that are there work with it" said 'checkout.*UPDATE orders'
    follow Upgrade 3
    check "the extension is the new one" extension_is "$new"
    type_in "sudo -u postgres pgleash doctor"
    check "nothing is missing" said 'version '"$new"
    type_in "sudo -u postgres pgleash terminate --leaked --app checkout --yes"
    client_goes_on
    check "policies are kept" test "$(sql 'SELECT count(*) FROM leash.policies')" = "$policies"
    check "and so is the journal, over the restart" test \
        "$(sql "SELECT count(*) FROM leash.reap_log WHERE application_name = 'checkout' AND outcome = 'ended'")" = 2

    heading "Whoever removes the package first is warned, and can still mend it"
    type_in "sudo apt remove postgresql-15-pg-leash"
    check "a warning names the cluster" said 'cluster 15/main has pg_leash in shared_preload_libraries'
    check "the server still runs" sql 'SELECT 1'
    sql 'DROP TABLE orders'
    sql 'DROP ROLE shop'
    remove 'sudo apt purge --autoremove pgleash'
}

heading "A machine with Debian $(</etc/debian_version) and PostgreSQL, without pg_leash"
pg_ctlcluster 15 main start || true
soon sql 'SELECT 1'
type_in "pg_lsclusters"
list_machine >"$WORK/before"
check "nothing is called pg_leash" traces_are ''
fresh
if compgen -G '/srv/proof/old/*.deb' >/dev/null; then
    upgrade
fi
pg_ctlcluster 15 main stop
printf '\nAll of it worked.\n'
