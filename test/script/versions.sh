# shellcheck shell=bash
# The version is the same everywhere, and what is wrong is found: test/checkers/versions.
set -euo pipefail
project=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../..
checker=$project/test/checkers/versions
"$checker"

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# broken MESSAGE COMMAND...: the checker says so of a tree in which the command was run.
broken() {
    local said tree=$work/tree
    rm -rf -- "$tree"
    mkdir -p -- "$tree/extension/core" "$tree/debian" "$tree/doc"
    (
        cd -- "$project"
        cp -- Makefile CMakeLists.txt META.json CHANGELOG.md "$tree/"
        cp -- extension/pg_leash* "$tree/extension/"
        cp -- extension/core/names.h "$tree/extension/core/"
        cp -- debian/changelog "$tree/debian/"
        cp -- doc/*.md "$tree/doc/"
    )
    "$checker" "$tree" >/dev/null
    (cd -- "$tree" && "${@:2}")
    if said=$("$checker" "$tree" 2>&1) || [[ $said != *"$1"* ]]; then
        printf 'FAILED: expected "%s", got "%s"\n' "$1" "$said" >&2
        exit 1
    fi
    echo "ok: $1"
}

broken 'CMakeLists.txt says "9.9"' sed -i 's/^project(pg_leash VERSION [0-9.]*/project(pg_leash VERSION 9.9/' CMakeLists.txt
broken 'core/names.h says "9.9"' sed -i 's/\(kLibraryVersion = \)".*"/\1"9.9"/' extension/core/names.h
broken 'CHANGELOG.md says "9.9"' sed -i '1a ## 9.9' CHANGELOG.md
broken 'debian/changelog says "9.9"' sed -i '1s/(.*)/(9.9-1)/' debian/changelog
broken 'META.json says "9.9.0"' sed -i '0,/"version": ".*"/s//"version": "9.9.0"/' META.json
broken 'which is not there' sed -i 's/"docfile": ".*"/"docfile": "doc\/none.md"/' META.json
broken 'no script updates' rm extension/pg_leash--1.0--1.1.sql
broken 'the Makefile does not install' sed -i 's/extension\/pg_leash--1.0--1.1.sql//' Makefile
broken 'no script installs' rm extension/pg_leash--1.0.sql
