# shellcheck shell=bash
# What the benchmarks hold pg_leash against: libraries that people preload for the same or
# for other purposes, each set as its own manual has it.

PEERS=(pg_stat_statements auto_explain pgaudit pg_stat_kcache pg_wait_sampling)

# peer_conf NAME: how a server is told to load it, a line of postgresql.conf each.
# auto_explain measures each statement and prints none; pgaudit writes down what it is
# commonly asked for, which a SELECT is no part of.
peer_conf() {
    case $1 in
    none) printf '%s\n' "shared_preload_libraries=" ;;
    pg_leash_no_query_ids)
        printf '%s\n' "shared_preload_libraries=pg_leash" "compute_query_id=off" ;;
    auto_explain)
        printf '%s\n' "shared_preload_libraries=auto_explain" "auto_explain.log_min_duration=1h" ;;
    pgaudit) printf '%s\n' "shared_preload_libraries=pgaudit" "pgaudit.log=ddl,role" ;;
    pg_stat_kcache)
        printf '%s\n' "shared_preload_libraries=pg_stat_statements,pg_stat_kcache" ;;
    *) printf '%s\n' "shared_preload_libraries=$1" ;;
    esac
}

# peer_options NAME: the same for pg_ctl's -o.
peer_options() {
    peer_conf "$1" | sed "s/'/'\\\\''/g; s/.*/-c '&'/" | tr '\n' ' '
}

# The distribution's package of a peer that PostgreSQL does not bring itself.
peer_package() {
    case $1 in
    pgaudit | pg_stat_kcache | pg_wait_sampling)
        printf 'postgresql-%s-%s\n' "$PG_MAJOR" "$(tr _ - <<<"$1")"
        ;;
    esac
}

peer_is_there() {
    [[ -e $("$PG_CONFIG" --pkglibdir)/$1.so ]]
}

# Installs the peers that are missing, and leaves in PEERS those that are there.
need_peers() {
    local peer package
    local -a missing=() there=()
    for peer in "${PEERS[@]}"; do
        package=$(peer_package "$peer")
        peer_is_there "$peer" || [[ -z $package ]] || missing+=("$package")
    done
    if ((${#missing[@]} > 0)); then
        mkdir -p -- "$BUILD/log"
        wake_sudo
        (finish_step "Installing ${missing[*]}" "$BUILD/log/apt-install-peers.log" \
            install_packages "${missing[@]}") || true
    fi
    for peer in "${PEERS[@]}"; do
        if peer_is_there "$peer"; then
            there+=("$peer")
        else
            note "$peer is not to be had for this PostgreSQL: left out."
        fi
    done
    PEERS=("${there[@]}")
    make_private_postgres # links to what has been installed
}
