#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_image.sh FILE - what must be true of every enclave that is about to be signed
#
# A disassembly is a tripwire, not a proof: data in code sections may hide an instruction.
set -u

file=$1
bad=0

refuse()
{
    echo "$file: $1" >&2
    bad=1
}

[ -r "$file" ] || { echo "$file: cannot be read" >&2; exit 1; }
headers=$(readelf -lSW "$file") || exit 1
dynamic=$(readelf -dW "$file")
relocations=$(readelf -rW "$file")
text=$(objdump -d --no-show-raw-insn "$file")

echo "$headers" | grep -Eq '^ *LOAD .* RWE ' && refuse 'a segment is writable and executable'
echo "$headers" | grep -Eq '^ *GNU_STACK .* RWE ' && refuse 'the stack is executable'
echo "$headers" | grep -Eq '^ *INTERP ' && refuse 'asks the host for a dynamic linker'
echo "$dynamic" | grep -q '(NEEDED)' && refuse 'depends on a shared library'
echo "$dynamic" | grep -q 'TEXTREL' && refuse 'relocates its code'
echo "$relocations" | grep -E ' R_X86_64_' | grep -vq ' R_X86_64_RELATIVE ' &&
    refuse 'has a relocation that the runtime cannot apply'
echo "$headers" | grep -Eq ' \.aperture +PROGBITS +[0-9a-f]+000 [0-9a-f]+000 001000 00 +A ' ||
    refuse 'has no page-aligned, read-only .aperture of one page'
echo "$headers" | grep -Eq ' \.sigstruct +PROGBITS +0+ [0-9a-f]+ 001000 00 +0 ' ||
    refuse 'has no .sigstruct of 4096 bytes that is not loaded'
echo "$headers" | grep -q '\.note\.gnu\.build-id' && refuse 'carries a build id'

# The page of the layout lies in a segment without W and X.
echo "$headers" | grep -E '^ +[0-9]+ .*\.aperture' | grep -Eq '\.text|\.data|\.bss' &&
    refuse 'keeps .aperture with code or data'

illegal='syscall|sysenter|cpuid|getsec|rdpmc|sgdt|sidt|sldt|str|smsw|vmcall|vmfunc|in|out|insb|outsb'
illegal="$illegal|int|into|iret|iretq|lcall|ljmp|lret"
found=$(echo "$text" | grep -E "^ +[0-9a-f]+:	($illegal)( |\$)" | head -3)
[ -z "$found" ] || refuse "holds an instruction that is illegal inside an enclave: $found"
echo "$text" | grep -Eq '%[yz]mm' && refuse 'uses AVX, which the default XFRM does not enable'

exit $bad
