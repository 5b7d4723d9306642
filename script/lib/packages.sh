# shellcheck shell=bash
# Installs what is missing from the distribution, and leaves the rest alone: no
# package that is there gets upgraded, no PostgreSQL cluster is made or restarted.

CREATECLUSTER_DROPIN=/etc/postgresql-common/createcluster.d/pg_leash-build.conf
POLICY=/usr/sbin/policy-rc.d
# Packages that come with a service of their name. The tests run their own, and the user did
# not ask for one that takes a port, now or after the next boot.
PACKAGES_WITH_SERVICE=(pgbouncer prometheus)

is_installed() {
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# All that building, the demo and the tests use.
wanted_packages() {
    printf '%s\n' build-essential cmake make pkg-config \
        libpq-dev libkrb5-dev libcli11-dev libfmt-dev nlohmann-json3-dev libtomlplusplus-dev prometheus-cpp-dev \
        libcpp-httplib-dev \
        libgtest-dev libgmock-dev libipc-run-perl libfaketime iproute2
}

# What tests of their own skip without.  Extensions only for a server of the distribution's,
# which alone loads them.
test_packages() {
    printf '%s\n' clang-format shellcheck scdoc mandoc zsh fish prometheus
    if [[ $PG_CONFIG == /usr/lib/postgresql/"$PG_MAJOR"/bin/pg_config ]]; then
        printf '%s\n' "postgresql-$PG_MAJOR-hypopg"
    fi
}

# A PostgreSQL that PG_CONFIG names, or that is there, is taken as it is.
wanted_postgres() {
    local major
    if [[ -n ${PG_CONFIG:-} || -n $(installed_pg_config) ]]; then
        return
    fi
    major=${PG_MAJOR:-$(installed_majors | head -n 1)}
    major=${major:-$(distribution_pg_major)}
    if [[ -z $major ]]; then
        die "apt knows no package postgresql" "Check apt's sources and the network; what apt said" \
            "is in $BUILD/log/apt-update.log"
    elif ((major < PG_MINIMUM)); then
        die "PostgreSQL $major is what this distribution has; pg_leash needs $PG_MINIMUM or newer" \
            "Add the PostgreSQL project's own apt repository, then run this again with" \
            "PG_MAJOR=15 in the environment; or use a newer release, such as Debian 12."
    fi
    printf '%s\n' "postgresql-$major" "postgresql-server-dev-$major"
}

missing_packages() {
    local name
    while read -r name; do
        is_installed "$name" || printf '%s\n' "$name"
    done
}

# While a server package is installed for the first time, keep it from making
# and starting a default cluster; the user did not ask for one.
forbid_cluster() {
    as_root mkdir -p -- "$(dirname -- "$CREATECLUSTER_DROPIN")"
    printf '%s\n' 'create_main_cluster = false' | as_root tee "$CREATECLUSTER_DROPIN" >/dev/null
}

allow_cluster() {
    as_root rm -f -- "$CREATECLUSTER_DROPIN"
    as_root rmdir --ignore-fail-on-non-empty -- "$(dirname -- "$CREATECLUSTER_DROPIN")"
}

apt_get() {
    # NEEDRESTART_SUSPEND: on Ubuntu nothing that runs is restarted behind the user's back.
    as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 LC_ALL=C.UTF-8 \
        apt-get -y -q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 "$@"
}

# services_among PACKAGE...
services_among() {
    local name
    for name in "${PACKAGES_WITH_SERVICE[@]}"; do
        [[ " $* " != *" $name "* ]] || printf '%s\n' "$name"
    done
}

# policy_against SERVICE...: what invoke-rc.d asks before it starts one.
policy_against() {
    local name
    printf '#!/bin/sh\n'
    for name in "$@"; do
        # shellcheck disable=SC2016 # expanded when it runs
        printf 'case $1 in %s | %s.service) exit 101 ;; esac\n' "$name" "$name"
    done
}

# disable_service NAME: not started with the machine either.
disable_service() {
    as_root env _SKIP_SYSTEMCTL_REDIRECT=1 update-rc.d "$1" disable || true
    as_root rm -f -- "/etc/systemd/system/multi-user.target.wants/$1.service"
}

install_packages() {
    local status=0 added='' name
    local -a services
    mapfile -t services < <(services_among "$@")
    if ((${#services[@]} > 0)) && [[ ! -e $POLICY ]]; then
        added=1
        policy_against "${services[@]}" | as_root tee "$POLICY" >/dev/null
        as_root chmod 755 "$POLICY"
    fi
    forbid_cluster
    apt_get install --no-install-recommends --no-upgrade "$@" || status=$?
    allow_cluster
    [[ -z $added ]] || as_root rm -f -- "$POLICY"
    for name in "${services[@]}"; do
        ! is_installed "$name" || disable_service "$name"
    done
    return "$status"
}

# Installs what is missing; quiet and quick when nothing is.
need_packages() {
    local -a missing
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        note "No apt here: what README.md lists under Requirements must be there already."
        return
    fi
    mapfile -t missing < <(wanted_packages | missing_packages)
    if ((${#missing[@]} == 0)) && [[ -n ${PG_CONFIG:-} || -n $(installed_pg_config) ]]; then
        return
    fi
    if ! is_root && ! command -v sudo >/dev/null; then
        die "packages are missing here, and installing them needs root" \
            "Run this as root, or install sudo, or have root install:" "${missing[*]}" \
            "and a PostgreSQL $PG_MINIMUM or newer with its server headers (postgresql-server-dev-NN)."
    fi
    wake_sudo
    run_step "Reading the package lists (apt-get update)" "$BUILD/log/apt-update.log" apt_get update
    # In a substitution of its own: a failure in there must end the script.
    local postgres
    postgres=$(wanted_postgres)
    mapfile -t missing < <(printf '%s\n' "${missing[@]}" "$postgres" | tr ' ' '\n' | sed '/^$/d' | missing_packages)
    ((${#missing[@]} > 0)) || return 0
    note "Missing here: ${missing[*]}"
    finish_step "Installing ${#missing[@]} packages (apt-get install)" "$BUILD/log/apt-install.log" \
        install_packages "${missing[@]}"
}

# need_optional PACKAGE...: installs them where they can be had; says so where not.
need_optional() {
    local -a missing
    local name
    mapfile -t missing < <(printf '%s\n' "$@" | missing_packages)
    if ((${#missing[@]} == 0)) || ! command -v apt-get >/dev/null; then
        return 0
    fi
    for name in "${missing[@]}"; do
        if ! apt-cache show "$name" >/dev/null 2>&1 || { ! is_root && ! command -v sudo >/dev/null; }; then
            note "$name cannot be installed here: what needs it is left out."
            return 0
        fi
    done
    wake_sudo
    (finish_step "Installing ${missing[*]}" "$BUILD/log/apt-install-tests.log" \
        install_packages "${missing[@]}") || note "What needs ${missing[*]} is left out."
}

need_test_packages() {
    local -a wanted
    mapfile -t wanted < <(test_packages)
    ((${#wanted[@]} == 0)) || need_optional "${wanted[@]}"
    need_model_packages
}

# The model checker; whoever has their own needs no package.
need_model_packages() {
    command -v spin >/dev/null || need_optional spin
}
