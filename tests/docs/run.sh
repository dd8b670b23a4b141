#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh PROGRAM ENCLAVE EXPECTED - the program prints what its page says that it prints.
set -eu

printed=$(APERTURE_QUIET=1 APERTURE_DEVICE=model "$1" "$2")
expected=$(cat "$3")
[ "$printed" = "$expected" ] && exit 0
printf 'printed:\n%s\nthe page says:\n%s\n' "$printed" "$expected" >&2
exit 1
