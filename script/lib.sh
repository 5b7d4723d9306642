# shellcheck shell=bash
# What the scripts share.  Source it; it sets PROJECT, the root of the tree,
# from its own path, so that the scripts work from any folder.

PROJECT=$(dirname -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")")
BUILD=$PROJECT/build

# shellcheck source=script/lib/common.sh
. "$PROJECT/script/lib/common.sh"
# shellcheck source=script/lib/postgres.sh
. "$PROJECT/script/lib/postgres.sh"
# shellcheck source=script/lib/packages.sh
. "$PROJECT/script/lib/packages.sh"
# shellcheck source=script/lib/private.sh
. "$PROJECT/script/lib/private.sh"
# shellcheck source=script/lib/build.sh
. "$PROJECT/script/lib/build.sh"
# shellcheck source=script/lib/osuser.sh
. "$PROJECT/script/lib/osuser.sh"
# shellcheck source=script/lib/server.sh
. "$PROJECT/script/lib/server.sh"
# shellcheck source=script/lib/clients.sh
. "$PROJECT/script/lib/clients.sh"
# shellcheck source=script/lib/versions.sh
. "$PROJECT/script/lib/versions.sh"
# shellcheck source=script/lib/sources.sh
. "$PROJECT/script/lib/sources.sh"
# shellcheck source=script/lib/suites.sh
. "$PROJECT/script/lib/suites.sh"
# shellcheck source=script/lib/variant.sh
. "$PROJECT/script/lib/variant.sh"
