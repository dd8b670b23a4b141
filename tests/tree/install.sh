#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install.sh BUILD WORK CC - install into an empty prefix and build a host program against that alone.
set -eu
build=$1 prefix=$2/prefix cc=$3

rm -rf "$prefix"
cmake --install "$build" --prefix "$prefix" >/dev/null
"$prefix/bin/ap-sign" --version
for page in "$prefix"/share/man/man1/ap-sign.1; do
    [ -s "$page" ] || { echo "no man page $page" >&2; exit 1; }
done

lib=$(dirname "$(find "$prefix" -name 'libaperture_urts.a')")
cat >"$prefix/host.c" <<'C'
#include <aperture/counters.h>
#include <aperture/urts.h>
#include <stdio.h>

int main(void)
{
    struct ap_enclave *enclave;
    struct ap_error error;

    if (ap_enclave_create("/nowhere/enclave.signed.so", NULL, &enclave, &error) == SGX_SUCCESS)
        return 1;
    puts(error.text);
    return error.status == SGX_ERROR_ENCLAVE_FILE_ACCESS ? 0 : 1;
}
C
sanitize=
nm "$lib/libaperture_urts.a" 2>/dev/null | grep -q __asan_init && sanitize=-fsanitize=address,undefined
# shellcheck disable=SC2086
"$cc" -std=c11 -Wall -Wextra -Werror $sanitize -I"$prefix/include" "$prefix/host.c" -o "$prefix/host" \
    -L"$lib" -laperture_urts -laperture_image -laperture_model -lmodel_cpu -lZydis -lcrypto -lpthread
"$prefix/host"
"$prefix/bin/ap-run" --cost true # it finds the published costs
