#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ap_run.sh AP_RUN WORK CC - what ap-run passes through, and what it refuses in words.
set -eu
run=$1 work=$2/ap_run cc=$3
rm -rf "$work"
mkdir -p "$work"
cd "$work"
bad=0

# expect STATUS TEXT COMMAND...: the exit status, and a text in what it prints.
expect() {
    status=$1 text=$2
    shift 2
    got=0
    said=$("$@" 2>&1) || got=$?
    if [ "$got" != "$status" ] || ! printf '%s\n' "$said" | grep -q -- "$text"; then
        echo "$*: exit status $got, not $status, or without '$text':" >&2
        printf '%s\n' "$said" >&2
        bad=1
    fi
}

expect 0 'usage: ap-run' "$run" --help
expect 0 '^ap-run [0-9]' "$run" --version
expect 125 'usage: ap-run' "$run"
expect 125 'usage: ap-run' "$run" --nonsense /bin/true
expect 127 'No such file' "$run" ./nowhere
expect 127 'No such file' "$run" nowhere-in-path
expect 126 'not a program' "$run" /

# The program's own exit status, arguments, options and environment.
expect 7 '' "$run" sh -c 'exit 7'
expect 0 '^--quiet x y$' "$run" -- echo --quiet 'x y'
expect 0 '^1$' "$run" --quiet sh -c 'echo "$APERTURE_QUIET"'
expect 0 'libsgx2\.so' "$run" sh -c 'echo "$LD_PRELOAD"'
expect 143 '' sh -c "\"$run\" sh -c 'kill -TERM \$\$'"
printf '#!/bin/sh\nexit 5\n' >script
chmod +x script
expect 5 '' "$run" ./script

cat >program.c <<'C'
#include <fcntl.h>
#include <stdio.h>

int main(void)
{
    int fd = open("/dev/sgx_enclave", O_RDWR);

    puts(fd >= 0 ? "opened" : "not there");
    return fd < 0;
}
C
"$cc" program.c -o dynamic
expect 0 '^opened$' "$run" ./dynamic
expect 0 'does not protect' env -u APERTURE_QUIET "$run" ./dynamic
expect 0 '^open.*sgx_enclave\|sgx2 .*open' "$run" --trace ./dynamic
if env APERTURE_QUIET= "$run" --quiet ./dynamic 2>&1 | grep -q 'does not protect'; then
    echo '--quiet is not' >&2
    bad=1
fi
"$run" --trace=trace ./dynamic >/dev/null
grep -q 'open .*/dev/sgx_enclave' trace || { echo 'no trace in the file' >&2; bad=1; }

# What LD_PRELOAD cannot reach.
"$cc" -static program.c -o static
expect 126 'statically linked' "$run" ./static
printf '#!./static\n' >static-script
chmod +x static-script
expect 126 'statically linked' "$run" ./static-script
if command -v musl-gcc >/dev/null && musl-gcc program.c -o musl 2>/dev/null; then
    expect 126 'musl' "$run" ./musl
fi
cp dynamic setuid
if [ "$(id -u)" = 0 ]; then
    chown nobody setuid
    chmod u+s setuid
    expect 126 'set-user-ID' "$run" ./setuid
fi
printf '\177ELF\001\001\001\000' >thirty-two
dd if=/dev/zero of=thirty-two bs=64 count=2 oflag=append conv=notrunc 2>/dev/null
chmod +x thirty-two
expect 126 'not a program for x86-64' "$run" ./thirty-two

# A folder that the dynamic linker would take apart.
mkdir 'a b'
cp "$run" "$(dirname "$run")/libsgx2.so" 'a b'
expect 125 'space or a colon' './a b/ap-run' ./dynamic
mkdir lonely
cp "$run" lonely
expect 125 'libsgx2.so is neither' ./lonely/ap-run ./dynamic

exit $bad
