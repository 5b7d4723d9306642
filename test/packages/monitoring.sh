# shellcheck shell=bash
# Metrics: by hand, served, scraped by Debian's own Prometheus, and an alert of the
# package's rules that fires on a leak and ends with it.

SERVED=http://127.0.0.1:19187
PROMETHEUS=127.0.0.1:19090
ALERT=PgLeashLeakedSessions

# The rules as they are delivered, but for their patience: nobody waits ten minutes here.
write_prometheus() {
    mkdir -p -- "$WORK/prometheus/data"
    sed 's/^\( *\)for: .*/\1for: 1s/' /usr/share/pgleash/pg_leash.rules.yml >"$WORK/prometheus/pg_leash.rules.yml"
    cat >"$WORK/prometheus/prometheus.yml" <<END
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [ "pg_leash.rules.yml" ]
scrape_configs:
  - job_name: pg_leash
    static_configs: [ { targets: [ "${SERVED#http://}" ] } ]
END
    chown -R prometheus: "$WORK/prometheus"
}

ask_prometheus() {
    curl -sSf --get "http://$PROMETHEUS/api/v1/$1" "${@:2}"
}

up() {
    ask_prometheus query --data-urlencode 'query=pg_leash_up' | grep '"1"\]'
}

fires() {
    ask_prometheus query --data-urlencode "query=ALERTS{alertname=\"$ALERT\",alertstate=\"firing\"}" | grep '"checkout"'
}

rests() {
    ! fires
}

monitor() {
    heading "Metrics: printed, served, scraped by Prometheus, and an alert"
    type_in "sudo -u postgres pgleash metrics | grep leaked"
    check "the leak is counted" said 'pg_leash_leaked_sessions\{.*checkout.*\} 1'
    printf '\n$ %s\n' "sudo -u postgres pgleash serve &"
    runuser -u postgres -- pgleash serve >"$WORK/serve" 2>&1 </dev/null &
    SERVER=$!
    soon curl -sSf "$SERVED/healthz"
    cat "$WORK/serve"
    type_in "curl -sS -w '%{http_code}\\n' $SERVED/healthz | grep -E '^(  .(status|message)|[0-9])'"
    type_in "curl -sS $SERVED/metrics | grep -v '^#' | grep -E '_(up|leaked_sessions)'"
    check "so it is when it is served" said 'pg_leash_leaked_sessions\{.*checkout.*\} 1'
    write_prometheus
    type_in "promtool check rules /usr/share/pgleash/pg_leash.rules.yml"
    (cd "$WORK/prometheus" && exec sudo -u prometheus prometheus --config.file=prometheus.yml \
        --storage.tsdb.path=data --web.listen-address="$PROMETHEUS") >"$WORK/prometheus.log" 2>&1 </dev/null &
    PROMETHEUS_PID=$!
    soon up
    check "Prometheus $(prometheus --version 2>&1 | sed -n 's/.*version \([0-9.]*\).*/\1/p') scrapes it" up
    soon fires
    check "the alert $ALERT fires (its patience cut to a second)" fires
    fires
}

# After the end of the leak.
monitored() {
    heading "And the alert"
    soon rests
    check "$ALERT does not fire any more" rests
    kill "$PROMETHEUS_PID" "$SERVER"
    wait "$PROMETHEUS_PID" "$SERVER" 2>/dev/null || true
}
