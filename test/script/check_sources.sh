# shellcheck shell=bash
# The C++ files are formatted, and shellcheck has nothing to say; a file that is not
# formatted is found.
set -euo pipefail
project=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../..
for program in clang-format shellcheck; do
    command -v "$program" >/dev/null || {
        echo "$program is not installed"
        exit 77
    }
done

"$project/script/check" format shell
echo "ok: nothing to find"

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cp -R -- "$project/script" "$project/.clang-format" "$work/"
mkdir -p -- "$work/tool"
echo 'int   f( );' >"$work/tool/unformatted.cpp"
said=$("$work/script/check" format 2>&1) && exit 1
[[ $said == *unformatted.cpp*clang-format-violations* ]]
echo "ok: a file that is not formatted is found"
