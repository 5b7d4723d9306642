# shellcheck shell=bash disable=SC2034
# PostgreSQL's majors that the distribution does not have: built from Debian's source
# packages, with assertions, and kept outside the tree.

# The majors that all tests are run on; the first is the distribution's.
TESTED_MAJORS=(15 17 18 19)

# The suites of Debian that have a major's source package, the likeliest first.
source_suites() {
    case $1 in
    17) printf '%s\n' trixie ;;
    18) printf '%s\n' sid ;;
    19) printf '%s\n' experimental sid ;;
    *) return 1 ;;
    esac
}

# Where builds are kept.  Root's home is closed to the user who runs the servers.
postgres_cache() {
    if [[ -n ${PG_LEASH_CACHE:-} ]]; then
        printf '%s\n' "${PG_LEASH_CACHE%/}"
    elif is_root; then
        printf '%s\n' /var/cache/pg_leash
    else
        printf '%s\n' "${XDG_CACHE_HOME:-$HOME/.cache}/pg_leash"
    fi
}

# built_pg_config MAJOR: where the pg_config of our own build is, made or not.  MAJOR-valgrind is
# a build of that major whose allocator tells valgrind what it hands out and takes back.
built_pg_config() {
    printf '%s/postgresql-%s/bin/pg_config\n' "$(postgres_cache)" "$1"
}

# An installation is moved into its place when it is complete, with this file in it.
is_built() {
    [[ -f $(postgres_cache)/postgresql-$1/built-from ]]
}

# --- what to build with -------------------------------------------------------

source_packages() {
    printf '%s\n' build-essential bison flex perl libipc-run-perl
}

need_source_packages() {
    local -a missing
    command -v apt-get >/dev/null ||
        die "the source package is fetched with apt, which is not here" \
            "Build PostgreSQL by hand and name its pg_config in PG_CONFIG."
    mapfile -t missing < <(source_packages | missing_packages)
    ((${#missing[@]} > 0)) || return 0
    if ! is_root && ! command -v sudo >/dev/null; then
        die "packages are missing here, and installing them needs root" \
            "Install sudo, or have root install:" "${missing[*]}"
    fi
    wake_sudo
    run_step "Reading the package lists (apt-get update)" "$BUILD/log/apt-update.log" apt_get update
    finish_step "Installing ${missing[*]}" "$BUILD/log/apt-source.log" install_packages "${missing[@]}"
}

has_header() {
    printf '#include <%s>\n' "$1" | cc -E - >/dev/null 2>&1
}

# optional OPTION HEADER: --with-OPTION where its header is there.
optional() {
    if has_header "$2"; then
        printf '%s\n' "--with-$1"
    else
        printf '%s\n' "--without-$1"
    fi
}

# configure_options MAJOR
configure_options() {
    [[ $1 != *-valgrind ]] || printf '%s\n' CPPFLAGS=-DUSE_VALGRIND
    printf '%s\n' --enable-cassert --enable-debug --enable-injection-points --enable-tap-tests
    optional openssl openssl/ssl.h
    optional icu unicode/ucol.h
    optional readline readline/readline.h
    optional zlib zlib.h
}

# --- fetching -----------------------------------------------------------------

own_codename() {
    # shellcheck source=/dev/null
    . /etc/os-release && printf '%s\n' "${VERSION_CODENAME:-}"
}

# own_mirror CODENAME: the Debian mirror that this machine uses itself, with the file that names it.
own_mirror() {
    # shellcheck disable=SC2016 # apt expands it
    apt-get indextargets --format '$(REPO_URI) $(SOURCESENTRY)' 'Origin: Debian' 'Created-By: Packages' \
        "Codename: $1" 2>/dev/null | head -n 1
}

# own_options URI FILE: what that file says about the mirror's signatures, in the form of
# a .sources file.
own_options() {
    local -a paragraphs=()
    [[ $2 != *.sources ]] || paragraphs=(-v RS=)
    awk -v uri="${1%/}" -v FS='\n' ${paragraphs[@]+"${paragraphs[@]}"} '
        function is_meant(text,   words, i, count) {
            count = split(text, words, /[ \t\n]+/)
            for (i = 1; i <= count; i++) {
                sub(/\/$/, "", words[i])
                if (words[i] == uri) return 1
            }
            return 0
        }
        !is_meant($0) || /^#/ && RS != "" { next }
        RS == "" {
            for (i = 1; i <= NF; i++) {
                if ($i !~ /^[ \t#]/) keep = tolower($i) ~ /^(signed-by|trusted):/
                if (keep) print $i
            }
            exit
        }
        match($0, /\[.*\]/) {
            count = split(substr($0, RSTART + 1, RLENGTH - 2), options, /[ \t]+/)
            for (i = 1; i <= count; i++) {
                name = value = options[i]
                sub(/=.*/, "", name)
                sub(/^[^=]*=/, "", value)
                gsub(/,/, " ", value)
                if (name == "signed-by") print "Signed-By: " value
                if (name == "trusted") print "Trusted: " value
            }
        }
        { exit }' "$2"
}

refuse_without_mirror() {
    die "apt's sources name no mirror of Debian's, or have never been read" \
        "Run apt-get update; on another distribution set PG_LEASH_DEBIAN_MIRROR to the URI of one" \
        "(its keys: the package debian-archive-keyring)."
}

# write_apt DIR SUITE [CODENAME]: an apt of our own below DIR, which knows the sources of SUITE and
# runs nothing besides. The mirror is the one this machine has for CODENAME, its own release.
write_apt() {
    local uri=${PG_LEASH_DEBIAN_MIRROR:-} entry=
    if [[ -z $uri ]]; then
        read -r uri entry < <(own_mirror "${3:-$(own_codename)}") || true
        [[ -n $uri ]] || refuse_without_mirror
    fi
    mkdir -p -- "$1/parts" "$1/lists/partial" "$1/cache/archives/partial" "$1/source"
    {
        printf 'Types: deb-src\nURIs: %s\nSuites: %s\nComponents: main\n' "$uri" "$2"
        if [[ -n $entry ]]; then
            own_options "$uri" "${entry%:*}"
        else
            printf 'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n'
        fi
    } >"$1/debian.sources"
    cat >"$1/apt.conf" <<EOF_CONF
Dir::Etc::sourcelist "$1/debian.sources";
Dir::Etc::sourceparts "$1/parts";
Dir::State::lists "$1/lists";
Dir::Cache "$1/cache";
APT::Sandbox::User "$(id -un)";
APT::Update::Error-Mode "any";
Acquire::Retries "2";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
EOF_CONF
}

# own_apt DIR ARGUMENT...
own_apt() {
    LC_ALL=C.UTF-8 apt-get -q -c "$1/apt.conf" "${@:2}"
}

# unpack_fetched DIR MAJOR WHICH: WHICH is as apt has it, /SUITE or =VERSION.
unpack_fetched() {
    cd -- "$1/source" && own_apt "$1" source --only-source "postgresql-$2$3" &&
        mv -- postgresql-"$2"-*/ ../postgresql
}

# fetch_source DIR MAJOR: leaves the unpacked source package in DIR/postgresql.
fetch_source() {
    local suite
    for suite in $(source_suites "$2"); do
        rm -rf -- "$1/lists" "$1/source"
        write_apt "$1" "$suite"
        run_step "Reading the source lists of Debian's $suite" "$1/update.log" own_apt "$1" update ||
            die "the lists of Debian's $suite cannot be read" "Is the network there? What apt said is above." \
                "With a build made elsewhere: set PG_LEASH_CACHE to the folder that holds it."
        if own_apt "$1" source --print-uris --only-source "postgresql-$2/$suite" >/dev/null 2>&1; then
            run_step "Fetching and unpacking the source package postgresql-$2" "$1/fetch.log" \
                unpack_fetched "$1" "$2" "/$suite" ||
                die "the source package cannot be fetched" "What apt said is above. If its lists name a file that" \
                    "the mirror does not have, another mirror may: PG_LEASH_DEBIAN_MIRROR=URI. Sources that are" \
                    "here already are built with script/postgres --source PATH $2."
            return
        fi
    done
    die "Debian's $(source_suites "$2" | tr '\n' ' ')has no source package postgresql-$2 (any more)" \
        "Sources that are here already are built with script/postgres --source PATH $2."
}

unpack_given() {
    case $2 in
    *.dsc) dpkg-source -x "$2" "$1/postgresql" ;;
    *.tar | *.tar.*) mkdir -- "$1/postgresql" && tar -C "$1/postgresql" --strip-components=1 -xf "$2" ;;
    *) cp -R -- "$2" "$1/postgresql" ;;
    esac
}

# The version that unpacked sources say they are of.
source_version() {
    sed -n "s/^PACKAGE_VERSION='\(.*\)'/\1/p" "$1/configure"
}

# take_source DIR MAJOR PATH: the same from a source package, an archive or a folder.
take_source() {
    run_step "Unpacking $3" "$1/unpack.log" unpack_given "$1" "$(readlink -f -- "$3")" ||
        die "$3 cannot be unpacked" "It is to be a .dsc, an archive or a folder of PostgreSQL's sources."
    [[ $(source_version "$1/postgresql") =~ ^${2%%-*}([^0-9]|$) ]] ||
        die "$3 is of PostgreSQL $(source_version "$1/postgresql"), not $2"
}

# --- building -----------------------------------------------------------------

configure_source() {
    cd -- "$1/postgresql" &&
        ./configure --prefix="$2" "${@:3}" CFLAGS='-O2 -fno-omit-frame-pointer' CXXFLAGS=-O2
}

# The module that tests wait and fail at chosen points with; since 17.
points_module() {
    printf '%s/postgresql/src/test/modules/injection_points\n' "$1"
}

compile_source() {
    nice make -C "$1/postgresql" -j2 world-bin || return 1
    [[ ! -d $(points_module "$1") ]] || nice make -C "$(points_module "$1")"
}

# install_source DIR PREFIX: complete, then in its place by one rename.
install_source() {
    local new=$1/install
    rm -rf -- "$new"
    make -C "$1/postgresql" -s DESTDIR="$new" install-world-bin || return 1
    [[ ! -d $(points_module "$1") ]] || make -C "$(points_module "$1")" -s DESTDIR="$new" install || return 1
    printf '%s\n' "$3" >"$new$2/built-from" && chmod -R a+rX -- "$new$2" &&
        rm -rf -- "$2" && mv -- "$new$2" "$2" && rm -rf -- "$new"
}

# build_postgres MAJOR [SOURCE]: nothing of it counts until the last step is done.  The sources stay
# beside it, for a debugger and for PostgreSQL's own tests.
build_postgres() {
    local cache work prefix version
    local -a options
    cache=$(postgres_cache)
    work=$cache/build-$1 prefix=$cache/postgresql-$1
    need_source_packages
    rm -rf -- "$work"
    mkdir -p -- "$work"
    note "PostgreSQL $1 is built below $cache (a few minutes, 600 MB)."
    if [[ -n ${2:-} ]]; then
        take_source "$work" "$1" "$2"
    else
        fetch_source "$work" "$1"
    fi
    version=$(source_version "$work/postgresql")
    mapfile -t options < <(configure_options "$1")
    run_step "Configuring PostgreSQL $version" "$work/configure.log" \
        configure_source "$work" "$prefix" "${options[@]}"
    run_step "Compiling it" "$work/compile.log" compile_source "$work"
    run_step "Installing it into $prefix" "$work/install.log" \
        install_source "$work" "$prefix" "postgresql-$1 $version ${options[*]}"
    rm -rf -- "$work"/{lists,cache,source}
}

# build_in_turn MAJOR [SOURCE]: whoever comes second finds the work done.
build_in_turn() {
    local cache lock
    cache=$(postgres_cache)
    mkdir -p -- "$cache" || die "$cache cannot be made" "Set PG_LEASH_CACHE to another folder."
    exec {lock}>"$cache/.lock-$1"
    if flock -n "$lock"; then
        build_postgres "$@"
    else
        note "PostgreSQL $1 is being built by somebody else; waiting."
        flock "$lock"
        is_built "$1" || build_postgres "$@"
    fi
    exec {lock}>&-
}

# Builds MAJOR unless that is done; sets PG_CONFIG to its pg_config.  15 is the distribution's.
need_postgres() {
    if ! source_suites "$1" >/dev/null; then
        need_distribution_postgres "$1"
        return
    fi
    is_built "$1" || build_in_turn "$1"
    PG_CONFIG=$(built_pg_config "$1")
}

need_distribution_postgres() {
    local path=/usr/lib/postgresql/$1/bin/pg_config
    if ! has_headers "$path"; then
        (($1 == TESTED_MAJORS[0])) ||
            die "there is no PostgreSQL $1 to be had here" \
                "These can be built or installed: ${TESTED_MAJORS[*]}. For another one set PG_CONFIG."
        unset PG_CONFIG
        PG_MAJOR=$1 need_packages
        has_headers "$path" ||
            die "this distribution has no PostgreSQL $1" "Add an apt repository that has it, or use Debian 12."
    fi
    PG_CONFIG=$path
}
