#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs.sh AP_EDL ROOT WORK CC - the interface that docs/edl.md shows compiles, and so does its host.
set -eu
edl=$1 root=$2 work=$3 cc=$4

rm -rf "$work"
mkdir -p "$work"
awk -v name=vault -v out="$work" -f "$root/tests/docs/extract.awk" "$root/docs/edl.md"
cd "$work"
"$edl" -Wall -Wno-user-check -Werror vault.edl
for file in vault_t.c vault_u.c host.c; do
    "$cc" -std=c11 -Wall -Wextra -Werror -I"$root/sdk/include" -I. -c "$file" -o /dev/null
done

# Each option is in the manual.
for option in $("$edl" --help | grep -oE -- '--[a-z-]+' | sort -u); do
    grep -qE "Fl -?${option#--}|Fl -(.*) -?${option#--}|, -${option#--}" "$root/sdk/edl/ap-edl.1" ||
        { echo "ap-edl.1 says nothing about $option" >&2; exit 1; }
done
