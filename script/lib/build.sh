# shellcheck shell=bash
# Builds the extension with PGXS and the rest with CMake.

# Where the extension is built and checked for this PostgreSQL: a folder of links to the
# sources, so that builds for several versions live side by side and out of the tree.
extension_dir() {
    printf '%s/extension-%s\n' "$BUILD" "$PG_MAJOR"
}

# The folder has the sources that the tree has now.
link_sources() {
    local dir path
    dir=$(extension_dir)
    mkdir -p -- "$dir"
    find "$dir" -xtype l -delete
    find "$PROJECT"/{Makefile,extension,sql,expected,test/isolation} -type f \
        ! -name '*.o' ! -name '*.d' ! -name '*.bc' ! -path '*/results/*' ! -path '*/output_iso/*' |
        while IFS= read -r path; do
            path=${path#"$PROJECT/"}
            [[ -e $dir/$path ]] || link_source "$dir" "$path"
        done
}

link_source() {
    mkdir -p -- "$(dirname -- "$1/$2")"
    ln -s -- "$PROJECT/$2" "$1/$2"
}

# What objects depend on and make does not see: which PostgreSQL, and how it was built.
postgres_stamp() {
    printf '%s\n' "$PG_CONFIG"
    "$PG_CONFIG" --version
    cksum <"$("$PG_CONFIG" --includedir-server)/pg_config.h"
}

# Objects made for another PostgreSQL must not be linked into this one's library.
forget_other_postgres() {
    local dir stamp
    dir=$(extension_dir)
    stamp=$(postgres_stamp)
    if [[ -f $dir/postgres && $(<"$dir/postgres") != "$stamp" ]]; then
        rm -rf -- "$dir"
        mkdir -p -- "$dir"
    fi
    printf '%s\n' "$stamp" >"$dir/postgres"
}

prepare_extension() {
    mkdir -p -- "$(extension_dir)" && forget_other_postgres && link_sources
}

make_extension_target() {
    local -a extra=()
    # A flag -I$(CURDIR)/... falls apart at a blank in the path; a relative one does not.
    [[ $PROJECT != *[[:space:]]* ]] || extra=(CURDIR=.)
    make -C "$(extension_dir)" PG_CONFIG="$PG_CONFIG" ${extra[@]+"${extra[@]}"} "$@"
}

# Chained, for `set -e` does not reach into a function whose status is looked at.
make_extension() {
    prepare_extension && make_extension_target -j2 PGLEASH_WERROR=1 && make_private_postgres &&
        make_extension_target DESTDIR="$(private_dir)" install
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
    cmake -S "$PROJECT" -B "$BUILD"
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
