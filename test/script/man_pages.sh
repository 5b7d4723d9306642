#!/usr/bin/env bash
# There is a manual page for each command, and mandoc's lint has nothing to say about any.
set -euo pipefail
project=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../..
for program in scdoc mandoc; do
    command -v "$program" >/dev/null || {
        echo "$program is not installed"
        exit 77
    }
done
pgleash=$project/build/tool/pgleash
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
"$pgleash" completion json >"$work/tree.json"
perl "$project/tool/man/pages.pl" --version 0 "$work/tree.json" "$project/tool/man" "$work/man"

# What stands before a command in the help: two blanks.
commands=$("$pgleash" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
[[ $commands == *status*doctor* ]]
for command in $commands; do
    [[ -s $work/man/man1/pgleash-$command.1 ]] || { echo "no page for $command"; exit 1; }
done
[[ -s $work/man/man1/pgleash.1 && -s $work/man/man5/pgleash.toml.5 ]]
echo "ok: a page for each command"

# Prose for a command that there is no more, or that is misspelt, would not be seen.
for file in "$project"/tool/man/*.scd; do
    name=$(basename -- "$file" .scd)
    [[ -e $work/man/man1/pgleash-$name.1 || -e $work/man/man1/$name.1 || -e $work/man/man5/$name.5 ]] ||
        { echo "nobody uses $file"; exit 1; }
done
echo "ok: all prose is used"

said=$(cd -- "$work/man" && mandoc -T lint -W warning man1/*.1 man5/*.5) || { printf '%s\n' "$said"; exit 1; }
[[ -z $said ]] || { printf '%s\n' "$said"; exit 1; }
echo "ok: nothing to find"

# A page says what the program says.
text=$(mandoc -T utf8 "$work/man/man1/pgleash-advise.1" | sed 's/.\x08//g')
for part in 'NAME' 'SYNOPSIS' '--per-request N' 'advise indexes' 'psycopg_pool'; do
    grep -qF -e "$part" <<<"$text" || { echo "pgleash-advise.1 lacks \"$part\""; exit 1; }
done
text=$(mandoc -T utf8 "$work/man/man5/pgleash.toml.5" | sed 's/.\x08//g')
grep -qF 'PGLEASH_HEALTH_TIMEOUT' <<<"$text"
echo "ok: options and settings are in it"
