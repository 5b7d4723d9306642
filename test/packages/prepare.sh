# shellcheck shell=bash
# The machine of script/package-proof before pg_leash, while there is a network: a server
# as many are, with PostgreSQL and a monitoring of its own. What the packages depend on is
# fetched, not installed.
set -euo pipefail
cd /srv/proof

apt-get update
apt-get install --no-install-recommends sudo curl prometheus postgresql-15
for folder in old new; do
    if compgen -G "$folder/*.deb" >/dev/null; then
        apt-get install --no-install-recommends --download-only ./"$folder"/*.deb
    fi
done
# Else it would be killed with this machine.
pg_ctlcluster 15 main stop || true
