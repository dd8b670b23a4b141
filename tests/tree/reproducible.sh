#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# reproducible.sh ROOT WORK CC AP_SIGN SIGNED TYPE - build the packet filter's enclave once more, from a copy
# of the sources in another folder, and compare its measurement with that of SIGNED.
set -eu
root=$1 work=$2/elsewhere cc=$3 sign=$4 signed=$5 type=$6

rm -rf "$work"
mkdir -p "$work/a deeper/folder"
copy="$work/a deeper/folder"
for part in CMakeLists.txt cmake sdk model urts trts signtool samples; do
    cp -r "$root/$part" "$copy/"
done
cmake -S "$copy" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE="$type" -DCMAKE_C_COMPILER="$cc" \
    -DAPERTURE_TESTS=OFF >/dev/null
cmake --build "$work/build" --target packet-jit-enclave >/dev/null

measurement() { "$sign" dump "$1" | sed -n 's/^MRENCLAVE *//p'; }
here=$(measurement "$signed")
there=$(measurement "$work/build/samples/packet-jit/packet-jit-enclave.signed.so")
echo "here  $here"
echo "there $there"
rm -rf "$work"
[ -n "$here" ] && [ "$here" = "$there" ]
