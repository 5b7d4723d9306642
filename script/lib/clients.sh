# shellcheck shell=bash
# Real clients for the tests: the distribution's packages, and npm's below build/.
# A machine may have its own Node.js or Java; those are taken as they are.

CLIENTS=$BUILD/clients

wanted_client_packages() {
    command -v node >/dev/null || printf '%s\n' nodejs
    command -v npm >/dev/null || printf '%s\n' npm
    [[ -x /usr/bin/chromium ]] || printf '%s\n' chromium # reports are looked at with it
    [[ -x /usr/bin/javac ]] || printf '%s\n' default-jdk-headless
    printf '%s\n' python3-psycopg python3-psycopg-pool python3-asyncpg python3-psycopg2 python3-sqlalchemy \
        libpostgresql-jdbc-java libhikaricp-java libslf4j-java pgbouncer
}

missing_client_packages() {
    command -v dpkg-query >/dev/null || return 0
    wanted_client_packages | missing_packages
}

# A failure here is not the end of all tests: those of the clients will say what is missing.
need_client_packages() {
    local -a missing
    mapfile -t missing < <(missing_client_packages)
    ((${#missing[@]} > 0)) || return 0
    wake_sudo
    run_step "Reading the package lists (apt-get update)" "$BUILD/log/apt-update.log" apt_get update || return
    note "Missing for the tests with real clients: ${missing[*]}"
    finish_step "Installing ${#missing[@]} packages (apt-get install)" "$BUILD/log/apt-clients.log" \
        install_packages "${missing[@]}"
}

# What decides about the content of node_modules.
node_stamp() {
    local dir=$PROJECT/test/clients/node
    cat -- "$dir/package.json" "$dir/package-lock.json" "$dir/schema.prisma" | sha256sum | cut -d ' ' -f 1
}

npm_ci() {
    npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
}

# Prisma wants Node.js 20.19 or newer, and the user who runs the tests must reach it.
node_is_usable() {
    as_server_user "$1" -e 'const [major, minor] = process.versions.node.split(".").map(Number);
        process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)' 2>/dev/null
}

# A Node.js of our own where the machine's is too old.
install_node() {
    local program
    rm -rf -- "$CLIENTS/runtime" && mkdir -p -- "$CLIENTS/runtime" &&
        cp -- "$PROJECT/test/clients/node/runtime"/*.json "$CLIENTS/runtime/" &&
        cd -- "$CLIENTS/runtime" && npm_ci || return
    program=$(echo node_modules/node-linux-*/bin/node)
    ln -sfn -- "$program" "$CLIENTS/runtime/node" && node_is_usable "$CLIENTS/runtime/node"
}

# Makes build/clients/runtime/node the program that runs the tests.
make_node() {
    local own=$CLIENTS/runtime/node machine
    machine=$(command -v node)
    if node_is_usable "$machine"; then
        mkdir -p -- "$CLIENTS/runtime" && ln -sfn -- "$machine" "$own"
    elif ! node_is_usable "$own"; then
        run_step "Installing a newer Node.js for the tests (npm ci)" "$BUILD/log/npm-node.log" install_node
    fi
}

# Only what running needs stays: a tenth, for it may be copied with the tree.
install_node_modules() {
    rm -rf -- "$CLIENTS/node.new" && mkdir -p -- "$CLIENTS/node.new" &&
        cp -- "$PROJECT/test/clients/node"/{package.json,package-lock.json,schema.prisma} "$CLIENTS/node.new/" &&
        cd -- "$CLIENTS/node.new" && npm_ci || return
    # Its schema engine, which it would download, is for migrations alone.
    PRISMA_SCHEMA_ENGINE_BINARY=/bin/true PRISMA_HIDE_UPDATE_MESSAGE=1 CHECKPOINT_DISABLE=1 \
        "$CLIENTS/runtime/node" node_modules/prisma/build/index.js generate --schema schema.prisma || return
    npm prune --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund --loglevel=error || return
    rm -f -- node_modules/@prisma/client/runtime/*{cockroachdb,mysql,sqlite,sqlserver}* &&
        find node_modules -name '*.map' -delete && node_stamp >stamp
}

make_clients() {
    make_node || return
    if [[ ! -f $CLIENTS/node/stamp || $(<"$CLIENTS/node/stamp") != "$(node_stamp)" ]]; then
        run_step "Installing npm packages for the tests (npm ci)" "$BUILD/log/npm.log" \
            install_node_modules || return
        rm -rf -- "$CLIENTS/node"
        mv -- "$CLIENTS/node.new" "$CLIENTS/node"
    fi
    # Node.js looks for packages beside the program.
    cp -- "$PROJECT/test/clients/node"/*.mjs "$CLIENTS/node/"
}
