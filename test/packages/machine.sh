# shellcheck shell=bash
# What users.sh works with: commands of the manual, checks, a client that leaks, and what
# is on the machine.

WORK=$(mktemp -d)
chmod 755 "$WORK"
export NO_COLOR=1 COLUMNS=100

failed() {
    printf '\nFAILED: %s\n' "$*"
    exit 1
}

check() {
    "${@:2}" >"$WORK/check" 2>&1 || { cat "$WORK/check" && failed "$1"; }
    printf '  ok: %s\n' "$1"
}

# What the last command that was shown printed has the text.
said() {
    grep -qE -- "$1" "$WORK/said"
}

soon() {
    local tries
    for ((tries = 0; tries < 600; tries++)); do
        ! "$@" >"$WORK/soon" 2>&1 || return 0
        sleep 0.1
    done
    cat "$WORK/soon"
    failed "not within a minute: $*"
}

# type_in LINE: shows the command and runs it as a shell does; of apt only what it did.
type_in() {
    local status=0
    printf '\n$ %s\n' "$1"
    bash -c "$1" >"$WORK/said" 2>&1 </dev/null || status=$?
    if [[ $1 == *"apt "* && $status -eq 0 ]]; then
        grep -E '^(Unpacking|Setting up|Removing|Purging|pg_leash:|E:|W:)' "$WORK/said" || true
    else
        cat "$WORK/said"
    fi
    ((status == 0)) || failed "exit status $status"
}

# refuse LINE: as type_in, of what must fail.
refuse() {
    printf '\n$ %s\n' "$1"
    ! bash -c "$1" >"$WORK/said" 2>&1 </dev/null || failed "it was not refused"
    cat "$WORK/said"
}

# manual HEADING: the commands of doc/install.md in the first block below it.
manual() {
    sed -n "/^## $1\$/,/^\`\`\`\$/s/^\\$ //p" /srv/proof/install.md
}

# follow HEADING [FROM [TO]]: types its commands, all or some; $TYPED is how many.
follow() {
    local line
    local -a lines
    mapfile -t lines < <(manual "$1" | sed -n "${2:-1},${3:-\$}p")
    ((${#lines[@]} > 0)) || failed "doc/install.md has no commands below \"$1\""
    for line in "${lines[@]}"; do
        type_in "$line"
    done
    # shellcheck disable=SC2034 # for users.sh
    TYPED=${#lines[@]}
}

sql() {
    sudo -u postgres psql -XAtq -v ON_ERROR_STOP=1 -c "$1"
}

# --- a client that leaks --------------------------------------------------------------

make_shop() {
    sql "CREATE ROLE shop LOGIN PASSWORD 'shop'"
    sql "CREATE TABLE orders AS SELECT id, 'new' AS status FROM generate_series(1, 100) AS id"
    sql "GRANT SELECT, UPDATE ON orders TO shop"
}

# A web shop that forgets a transaction, over TCP and with a password, as they do.
leak() {
    [[ -p $WORK/client ]] || mkfifo "$WORK/client"
    PGPASSWORD=shop PGAPPNAME=checkout psql -X -h 127.0.0.1 -U shop postgres <"$WORK/client" >"$WORK/told" 2>&1 &
    CLIENT=$!
    exec 7>"$WORK/client"
    echo "BEGIN; UPDATE orders SET status = 'paid' WHERE id = 42;" >&7
    soon leaks
}

leaks() {
    sudo -u postgres pgleash leaks --csv | grep 'idle in transaction.*checkout'
}

# Its next statement, and what it is told then.
client_goes_on() {
    echo 'COMMIT;' >&7
    exec 7>&-
    wait "$CLIENT" || true
}

# --- what is on the machine -----------------------------------------------------------

# Every file but those that apt and dpkg keep for themselves, the server's own and ours.
list_files() {
    find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /srv/proof \
        -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache/apt -o -path /var/cache/debconf \
        -o -path /var/log -o -path /var/cache/ldconfig -o -path /etc/ld.so.cache \
        -o -path '/var/lib/postgresql/*/main' \) -prune \
        -o -type f -printf '%p %m %u:%g %s %T@\n' -o -printf '%p %y %m %u:%g %l\n' | sort
}

# ... and which packages, users and groups.
list_machine() {
    list_files
    dpkg-query -W -f 'package ${Package} ${db:Status-Status}\n'
    getent passwd
    getent group
}

# traces_are PATH: whatever bears our name, but in apt's own, is that file, or nothing.
traces_are() {
    local found
    found=$(find / -xdev \( -path /proc -o -path /sys -o -path /srv/proof -o -path "$WORK" -o -path /var/lib/dpkg \
        -o -path /var/cache/apt \) -prune -o -iname '*pg*leash*' -print)
    printf '%s\n' "$found"
    [[ $found == "$1" ]]
}
