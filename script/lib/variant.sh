# shellcheck shell=bash
# Copies of the tree below build/, in which everything is built and run in another way:
# with sanitizers, under valgrind, with counters.  All scripts work in them as they are.

# The packages that the checkers are in.
need_checker_packages() {
    local -a missing
    mapfile -t missing < <(printf '%s\n' "$@" | missing_packages)
    ((${#missing[@]} > 0)) || return 0
    command -v apt-get >/dev/null || die "this needs: ${missing[*]}"
    wake_sudo
    run_step "Reading the package lists (apt-get update)" "$BUILD/log/apt-update.log" apt_get update
    finish_step "Installing ${missing[*]}" "$BUILD/log/apt-checkers.log" install_packages "${missing[@]}"
}

# Times stay what they were, so that make sees what has changed; what has gone, goes.
copy_sources() {
    mkdir -p -- "$1" &&
        find "$1" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf -- {} + &&
        tar -C "$PROJECT" --exclude=./.git --exclude=./build --exclude='*.o' --exclude='*.d' --exclude='*.so' -cf - . |
        tar -C "$1" -xf -
}

# make_variant NAME FLAGS: sets VARIANT, a copy of the tree whose own build/ is made with
# these compiler flags, by whatever script is run in it.
make_variant() {
    VARIANT=$BUILD/check-$1
    copy_sources "$VARIANT"
    mkdir -p -- "$VARIANT/build" "$BUILD/clients"
    [[ -e $VARIANT/build/clients ]] || ln -s -- ../../clients "$VARIANT/build/clients"
    export COPT=$2
    run_step "Configuring ${VARIANT#"$PROJECT/"}" "$BUILD/log/configure-$1.log" \
        cmake -S "$VARIANT" -B "$VARIANT/build" -DPGLEASH_COPT="$2" -DPGLEASH_WERROR=OFF
}

# A folder that the servers' user and the caller both write into.
make_shared_dir() {
    rm -rf -- "$1"
    mkdir -p -- "$1"
    chmod 1777 -- "$1"
}

# The library with faults that a checker must find, for the variant of the tree at hand.
build_faults() {
    # shellcheck disable=SC2086 # they are options
    c++ -shared -fPIC -O1 -g -std=c++20 -isystem "$("$PG_CONFIG" --includedir-server)" $COPT \
        -o "$VARIANT/build/faults.so" "$VARIANT/test/checkers/faults.cpp"
}

# call_fault FUNCTION: in a server of its own.
call_fault() {
    "$VARIANT/script/with-server" --name faults -- psql -X -v ON_ERROR_STOP=1 \
        -c "CREATE FUNCTION $1(int) RETURNS int LANGUAGE C AS '$VARIANT/build/faults.so'" -c "SELECT $1(1)"
}
