# shellcheck shell=bash disable=SC2016,SC2034
# PostgreSQL's own suites against a throwaway server of ours, for script/postgres-suites.
#
# Global: SOURCES, PostgreSQL's sources; SUITES, the folder of what is made for the suites of this
# major; LOG, the path that the files of one run begin with:
#     LOG.out      what the suite printed
#     LOG.diffs    where its results differ
#     LOG.server   the server's log
#     LOG.status   the suite's exit status
#     LOG.facts    what pg_leash did meanwhile, and what must not have happened

CORE_SUITES=(regress isolation)
CONTRIB_SUITES=(pg_stat_statements auto_explain pg_prewarm)

is_core_suite() {
    [[ " ${CORE_SUITES[*]} " == *" $1 "* ]]
}

# passes_of SUITE
passes_of() {
    if is_core_suite "$1"; then
        printf '%s\n' calm reaping
    else
        printf '%s\n' first last
    fi
}

# --- what the suites need besides the sources -----------------------------------

# The functions in C that the core suite calls. PGXS builds them for any server; those of
# contrib are installed.
make_suite_library() {
    local name
    mkdir -p -- "$SUITES"
    cp -- "$SOURCES/src/test/regress/regress.c" "$SUITES/"
    printf '%s\n' 'MODULES = regress' 'override with_llvm = no' 'PGXS := $(shell $(PG_CONFIG) --pgxs)' \
        'include $(PGXS)' >"$SUITES/Makefile"
    make -C "$SUITES" PG_CONFIG="$PG_CONFIG" || return 1
    for name in autoinc refint; do
        cp -- "$("$PG_CONFIG" --pkglibdir)/$name.so" "$SUITES/"
    done
}

# contrib_tests NAME: what pg_regress is to run of a contrib module.
contrib_tests() {
    make -s -C "$SOURCES/contrib/$1" USE_PGXS=1 PG_CONFIG="$PG_CONFIG" \
        --eval='listed: ; @echo $(REGRESS)' listed
}

# kinds_of SUITE: which runners it has tests for.
kinds_of() {
    if is_core_suite "$1"; then
        printf 'regress\n'
        return
    fi
    [[ -z $(contrib_tests "$1") ]] || printf 'regress\n'
    ! compgen -G "$SOURCES/contrib/$1/t/*.pl" >/dev/null || printf 'tap\n'
}

# --- settings and policies ------------------------------------------------------

# preloaded PASS SUITE. The suite of auto_explain loads it itself, session by session, which is
# after us; preloaded it can only be for the other order.
preloaded() {
    case $1-$2 in
    without-regress | without-isolation) ;;
    without-*) printf '%s' "$2" ;;
    first-auto_explain) printf 'pg_leash' ;;
    first-*) printf 'pg_leash, %s' "$2" ;;
    last-*) printf '%s, pg_leash' "$2" ;;
    *) printf 'pg_leash' ;;
    esac
}

# Everything is measured, of every statement.
tracking_conf() {
    printf '%s\n' 'pg_leash.slow_statement_threshold = 0' 'pg_leash.slow_plan_threshold = 0' \
        'pg_leash.sample_interval = 10ms' 'pg_leash.check_interval = 100ms' \
        'pg_leash.reaping = enforce' 'pg_leash.reap_log_max = 20000'
}

# "regress" is what PostgreSQL itself runs its suite with when a module computes query ids: they
# are computed, and EXPLAIN (VERBOSE) does not show them.
suite_conf() {
    if is_core_suite "$1"; then
        printf '%s\n' 'compute_query_id = regress' 'max_prepared_transactions = 10'
    elif [[ -f $SOURCES/contrib/$1/$1.conf ]]; then
        grep -v '^shared_preload_libraries' "$SOURCES/contrib/$1/$1.conf"
    fi
}

# set_policies PASS: in the calm pass nothing is ever old enough. In the other one companions are
# ended and cancelled all the time, and the suite's own sessions are watched by the same rounds:
# whoever pauses is logged, who leaves a transaction open for five seconds would be ended. None
# notifies: PostgreSQL's suite looks how full the queue of notifications is.
set_policies() {
    local leaked="1 hour" open="1 hour" pause="1 hour"
    [[ $1 != reaping ]] || leaked="100 ms" open="5 s" pause="10 ms"
    psql -Xq -v ON_ERROR_STOP=1 -v leaked="$leaked" -v open="$open" -v pause="$pause" <<'EOF_SQL'
SET client_min_messages = error;
CREATE EXTENSION pg_leash;
CREATE ROLE companion LOGIN;
CREATE TABLE orders (id integer PRIMARY KEY, total numeric DEFAULT 0, status text DEFAULT 'new');
INSERT INTO orders SELECT generate_series(1, 100);
GRANT SELECT, UPDATE ON orders TO companion;
INSERT INTO leash.policies
    (name, priority, mode, applications, states, idle_for, statement_for, action, include_superusers)
VALUES
    ('companions in transaction', 10, 'enforce', '{companion*}',
     '{idle in transaction, idle in transaction (aborted)}', :'leaked', NULL, 'terminate', false),
    ('companions idle', 20, 'enforce', '{companion*}', '{idle}', :'leaked', NULL, 'terminate', false),
    ('companions at work', 30, 'enforce', '{companion*}', NULL, NULL, :'leaked', 'cancel', false),
    ('suite in transaction', 40, 'enforce', '{pg_regress*,isolation*}',
     '{idle in transaction, idle in transaction (aborted)}', :'open', NULL, 'terminate', true),
    ('suite pauses', 50, 'enforce', '{pg_regress*,isolation*}', NULL, :'pause', NULL, 'log', true);
EOF_SQL
    until [[ $(psql -XAtqc 'SELECT count(*) FROM leash.policies_in_force') == 5 ]]; do sleep 0.1; done
}

# --- beside and after -----------------------------------------------------------

# Clients that leak until the suite is through. Each round has a name of its own: sessions that
# come back under the same one trip the breaker.
companions() {
    local round=0 leak pids
    while [[ ! -e $LOG.stop ]]; do
        round=$((round + 1)) pids=()
        for leak in transaction aborted abandoned never-used slow; do
            PGUSER=companion "$BUILD/test/clients/leaky" --leak "$leak" --app "companion $round" \
                --connections 3 --order $((round % 100 + 1)) --statement 'SELECT pg_sleep(60)' \
                >/dev/null 2>&1 &
            pids+=($!)
        done
        wait "${pids[@]}" || true
        sleep 0.5
    done
}

# stop_companions PID: the last round is ended like the others; prints which sessions are not.
stop_companions() {
    local i
    touch -- "$LOG.stop"
    for ((i = 0; i < 300; i++)); do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 0.1
    done
    psql -XAtqc "SELECT * FROM leash.sessions WHERE usename = 'companion'"
    psql -XAtqc "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'companion'" >/dev/null
}

crashes() {
    grep -E 'TRAP:|PANIC: |was terminated by signal|all server processes terminated' "$LEASH_SERVER_LOG"
}

# What pg_leash did, in one line, then what is wrong, each in a line that begins with "wrong".
look_after() {
    if [[ $1 != without ]]; then
        psql -XAtq -d postgres -c 'SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS pg_leash' -c "
            SELECT format('%s statements and %s plans kept, %s ended, %s cancelled, %s logged',
                (SELECT count(*) FROM leash.slow_statements),
                (SELECT count(plan) FROM leash.slow_statements),
                count(*) FILTER (WHERE outcome = 'ended'),
                count(*) FILTER (WHERE outcome = 'cancelled'),
                count(*) FILTER (WHERE action = 'log'))
              FROM leash.reap_log;
            SELECT 'wrong: ' || count(*) || ' of the suite''s sessions ended' FROM leash.reap_log
             WHERE policy = 'suite in transaction' HAVING count(*) > 0;
            SELECT format('wrong: %s sessions, leash.sessions shows %s', p.n, l.n)
              FROM (SELECT count(*) n FROM pg_stat_activity WHERE backend_type = 'client backend') p,
                   (SELECT count(*) n FROM leash.sessions) l
             WHERE p.n <> l.n" 2>&1
    fi
    ! crashes | sed 's/^/wrong: /'
}

# --- one run --------------------------------------------------------------------

# As the server's user: the server writes into the suite's folder, and the suite reads it.
run_pg_regress() {
    local out status=0
    out=$(dirname -- "$PGDATA")/out
    mkdir -- "$out"
    cp -R -- "$SUITES" "$out/lib"
    give_to_server_user "$out"
    (cd -- "$out" && as_server_user "$PG_PGXS/src/test/$1" --bindir="$PG_BINDIR" --outputdir="$out" \
        --host="$PGHOST" --port="$PGPORT" --user=postgres "${@:2}") || status=$?
    printf '%s\n' "$status" >"$LOG.status"
    [[ ! -s $out/regression.diffs ]] || cp -- "$out/regression.diffs" "$LOG.diffs"
}

run_suite() {
    local tests=$SOURCES/src/test/$1
    local -a names
    case $1 in
    regress)
        run_pg_regress regress/pg_regress --inputdir="$tests" --dlpath="$(dirname -- "$PGDATA")/out/lib" \
            --dbname=regression --max-concurrent-tests=20 --schedule="$tests/parallel_schedule"
        ;;
    isolation)
        run_pg_regress isolation/pg_isolation_regress --inputdir="$tests" --dbname=isolation_regression \
            --schedule="$tests/isolation_schedule" prepared-transactions prepared-transactions-cic
        ;;
    *)
        read -r -a names < <(contrib_tests "$1")
        run_pg_regress regress/pg_regress --inputdir="$SOURCES/contrib/$1" --dbname=contrib_regression \
            "${names[@]}"
        ;;
    esac
}

# suite_in_server SUITE PASS: within script/with-server.
suite_in_server() {
    local beside=
    case $2 in
    calm) set_policies calm ;;
    reaping)
        set_policies reaping
        companions &
        beside=$!
        ;;
    esac
    run_suite "$1"
    [[ -z $beside ]] || stop_companions "$beside" >"$LOG.unreaped"
    { look_after "$2" && sed 's/^/wrong: not ended: /' "$LOG.unreaped"; } >"$LOG.facts" 2>/dev/null || true
    cp -- "$LEASH_SERVER_LOG" "$LOG.server"
}

# run_in_server SUITE PASS: as a process of its own, with the traps of script/with-server.
run_in_server() {
    local line
    local -a conf=(--conf "shared_preload_libraries = '$(preloaded "$2" "$1")'")
    while IFS= read -r line; do
        conf+=(--conf "$line")
    done < <(tracking_conf && suite_conf "$1")
    export LOG SOURCES SUITES
    "$PROJECT/script/with-server" --name suite "${conf[@]}" -- bash -euo pipefail -c \
        '. "$1/script/lib.sh" && find_server_user && suite_in_server "$2" "$3"' suite "$PROJECT" "$1" "$2"
}

# The TAP tests of a contrib module say themselves what is preloaded, so it is said anew in copies.
run_tap() {
    local dir=$SUITES/tap-$1-$2 status=0 wanted
    rm -rf -- "$dir"
    mkdir -- "$dir"
    cp -- "$SOURCES/contrib/$1/t"/*.pl "$dir/"
    wanted="shared_preload_libraries = '$(preloaded "$2" "$1")'$(tracking_conf | sed 's/^/\\n/' | tr -d '\n')"
    [[ $2-$1 != first-auto_explain ]] || wanted+="\\nsession_preload_libraries = 'auto_explain'"
    WANTED=$wanted NAME=$1 perl -pi -e \
        's/(?:shared|session)_preload_libraries = \x27$ENV{NAME}\x27/$ENV{WANTED}/ and $found++;
         END { die "no preloading here" unless $found }' "$dir"/*.pl
    "$PROJECT/script/as-user" --log-dir "$LOG.tap" -- prove -v "$dir"/*.pl || status=$?
    printf '%s\n' "$status" >"$LOG.status"
}
