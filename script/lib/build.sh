# shellcheck shell=bash
# Builds the extension with PGXS and the rest with CMake.

# Where the extension is installed for the servers that these scripts start.
# It is a folder of our own wherever PostgreSQL can load from one, so that
# neither root is needed nor a server that is in use gets a library exchanged.
stage_dir() {
    printf '%s\n' "$BUILD/stage-$PG_MAJOR"
}

# How this server can load an extension from a folder: "destdir" (Debian's
# packages up to 17), "path" (PostgreSQL 18 and newer), or "system" (not at all).
stage_kind() {
    local settings
    settings=$("$PG_BINDIR/postgres" --describe-config 2>/dev/null)
    if [[ $settings == *$'\nextension_destdir\t'* ]]; then
        printf 'destdir\n'
    elif ((PG_MAJOR >= 18)); then
        printf 'path\n'
    else
        printf 'system\n'
    fi
}

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
    forget_other_major && make_tree -j2 && install_extension
}

install_extension() {
    if [[ $(stage_kind) == system ]]; then
        as_root make -C "$PROJECT" PG_CONFIG="$PG_CONFIG" install
    else
        make_tree DESTDIR="$(stage_dir)" install
    fi
}

build_extension() {
    [[ $(stage_kind) != system ]] || wake_sudo
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
