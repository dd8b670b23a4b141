#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# trace.sh PYTHON3 WORK TRACE_SAY SMOKE ENCLAVE AP_RUN PROGRAM... - the JSON trace is one: of any
# strings, from many threads and processes at once, of a program that is linked with the model, and
# of programs under ap-run, whose counters it must add up to.
set -eu
python=$1 work=$2/trace say=$3 smoke=$4 enclave=$5 run=$6
shift 6
check=$(dirname "$0")/check_trace.py
rm -rf "$work"
mkdir -p "$work"

APERTURE_TRACE_JSON=$work/say "$say" 4 4 150
"$python" "$check" "$work/say" 4800

APERTURE_DEVICE=model APERTURE_TRACE_JSON=$work/smoke "$smoke" "$enclave" >/dev/null
"$python" "$check" "$work/smoke"

for program; do
    name=$(basename "$program")
    "$run" --trace-json="$work/$name" "$program" -j1 >"$work/$name.out" 2>&1 || {
        cat "$work/$name.out" >&2
        exit 1
    }
    "$python" "$check" "$work/$name"
done

# Two traces at once, and to standard error.
APERTURE_DEVICE=model APERTURE_TRACE=$work/text APERTURE_TRACE_JSON=1 "$smoke" "$enclave" \
    2>"$work/both" >/dev/null
grep -v '^smoke: ' "$work/both" >"$work/both.json"
"$python" "$check" "$work/both.json"
grep -q '^sgx2 \[[0-9]*\] ENCLU  EACCEPTCOPY ' "$work/text"

# Where it cannot be written it says so, and the program runs all the same.
APERTURE_DEVICE=model APERTURE_TRACE_JSON=$work/no/where "$smoke" "$enclave" \
    2>"$work/complaint" >/dev/null
grep -q "^aperture: APERTURE_TRACE_JSON: cannot write to $work/no/where: No such file" \
    "$work/complaint"
