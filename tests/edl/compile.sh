#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# compile.sh AP_EDL INCLUDE WORK - whatever ap-edl makes compiles without a warning, with gcc and
# clang, as C11 and as C++17, both sides. $CASES: the folder of the interfaces.
set -eu
edl=$1 include=$2 work=$3
here=$(dirname "$0")
flags="-Wall -Wextra -Wconversion -Wshadow -Werror -O1 -I$include -I$CASES"

rm -rf "$work"
mkdir -p "$work"
"$here/combinations.sh" >"$work/combinations.edl"
"$edl" -Wno-all --search-path "$CASES" --trusted-dir "$work" --untrusted-dir "$work" \
    "$CASES"/every.edl "$CASES"/idioms.edl "$work/combinations.edl"

# The combinations are all there: a generator that lost some would be no test.
functions=$(grep -c '^sgx_status_t' "$work/combinations_u.h")
[ "$functions" -ge 300 ] || { echo "only $functions functions in combinations.edl" >&2; exit 1; }

bad=0
compilers=
for compiler in gcc g++ clang clang++; do
    command -v $compiler >/dev/null && compilers="$compilers $compiler"
done
[ -n "$compilers" ] || exit 1
for name in every idioms combinations; do
    for side in t u; do
        for compiler in $compilers; do
            case $compiler in
            *++) std='-x c++ -std=c++17' ;;
            *) std='-std=c11 -Wstrict-prototypes' ;;
            esac
            # shellcheck disable=SC2086
            $compiler $std $flags -c "$work/${name}_$side.c" -o /dev/null || bad=1
        done
    done
done
exit $bad
