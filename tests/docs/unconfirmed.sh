#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# unconfirmed.sh ROOT PROGRAM [--write] - the table in docs/model.md of what the manual leaves open
# is the one that PROGRAM's list makes, and each choice is claimed by a source file. --write puts it
# there, between the markers.
set -eu
cd "$1"
program=$2
page=docs/model.md
begin='<!-- unconfirmed:begin -->' end='<!-- unconfirmed:end -->'
table=$(mktemp)
trap 'rm -f "$table" "$table.page"' EXIT

# [file.c](../model/part/file.c) of each file that makes the choice.
claims() {
    grep -rlx "UNCONFIRMED($1);" model --include='*.[ch]' | sort |
        sed 's,.*/\(.*\),[\1](../&),' | paste -sd, - | sed 's/,/, /g'
}

bad=0
tab=$(printf '\t')
printf '| question | the model | source |\n|---|---|---|\n' >"$table"
"$program" >"$table.page"
while IFS=$tab read -r name question choice; do
    sources=$(claims "$name")
    [ -n "$sources" ] || {
        echo "$name: no file of model/ says UNCONFIRMED($name);" >&2
        bad=1
    }
    printf '| %s | %s | %s |\n' "$question" "$choice" "$sources" >>"$table"
done <"$table.page"

for marker in "$begin" "$end"; do
    [ "$(grep -cxF -- "$marker" "$page")" = 1 ] || {
        echo "$page: expected one line '$marker'" >&2
        exit 1
    }
done
# The page with the table between the markers.
awk -v begin="$begin" -v end="$end" -v table="$table" '
    $0 == end { skip = 0 }
    !skip { print }
    $0 == begin { while ((getline line <table) > 0) print line; skip = 1 }
' "$page" >"$table.page"

if [ "${3-}" = --write ]; then
    cmp -s "$table.page" "$page" || cat "$table.page" >"$page"
elif ! diff -u "$page" "$table.page" >&2; then
    echo "$page: the table of choices is not the one of model/unconfirmed.h and" \
         "model/cpu/unconfirmed.h: build the target unconfirmed-table" >&2
    bad=1
fi
exit $bad
