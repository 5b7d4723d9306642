# shellcheck shell=bash
# Builds the extension with PGXS and the rest with CMake.

# Objects of another PostgreSQL must not be linked into this one's library.
forget_other_major() {
    local stamp=$BUILD/extension.pg_config
    if [[ -f $stamp && $(<"$stamp") != "$PG_CONFIG" ]]; then
        make_tree clean
    fi
    mkdir -p -- "$BUILD"
    printf '%s\n' "$PG_CONFIG" >"$stamp"
}

make_tree() {
    local -a extra=()
    # A flag -I$(CURDIR)/... falls apart at a blank in the path; a relative one does not.
    [[ $PROJECT != *[[:space:]]* ]] || extra=(CURDIR=.)
    make -C "$PROJECT" PG_CONFIG="$PG_CONFIG" ${extra[@]+"${extra[@]}"} "$@"
}

# Chained, for `set -e` does not reach into a function whose status is looked at.
make_extension() {
    forget_other_major && make_tree -j2 && make_private_postgres &&
        make_tree DESTDIR="$(private_dir)" install
}

build_extension() {
    run_step "Building the extension for PostgreSQL $PG_MAJOR" "$BUILD/log/extension.log" \
        locked make_extension
}

# Two runs in one tree (ctest's and a developer's) take turns.
locked() {
    local fd status=0
    mkdir -p -- "$BUILD"
    exec {fd}>"$BUILD/.lock"
    flock "$fd"
    "$@" || status=$?
    exec {fd}>&-
    return "$status"
}

configure_tree() {
    cmake -S "$PROJECT" -B "$BUILD" -DPG_CONFIG="$PG_CONFIG"
}

# build_tree [TARGET...]: the tool, the test clients and, without targets, all else.
build_tree() {
    local -a targets=()
    (($# == 0)) || targets=(--target "$@")
    run_step "Configuring (cmake)" "$BUILD/log/configure.log" configure_tree
    run_step "Building ${*:-the tool and the tests}" "$BUILD/log/build.log" \
        cmake --build "$BUILD" -j2 "${targets[@]}"
}

# The path of a program that CMake has built.
tree_program() {
    local path
    path=$(find "$BUILD" -name "$1" -type f -perm -u+x -not -path "$BUILD/run/*" | head -n 1)
    [[ -n $path ]] || die "$1 is not built yet" "Run script/build, then this again."
    printf '%s\n' "$path"
}
