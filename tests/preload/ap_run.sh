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
expect 127 'No such file' "$run" ''
mkfifo pipe
chmod +x pipe
expect 126 'Permission denied\|not a program' timeout 10 "$run" ./pipe

# The program's own exit status, arguments, options and environment.
expect 7 '' "$run" sh -c 'exit 7'
expect 0 '^--quiet x y$' "$run" -- echo --quiet 'x y'
expect 0 '^1$' "$run" --quiet sh -c 'echo "$APERTURE_QUIET"'
expect 0 '^1$' "$run" --abort-pages sh -c 'echo "$APERTURE_ABORT_PAGES"'
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

# AddressSanitizer, which wants to be the first library, finds what it is for.
cat >overflow.c <<'C'
#include <stdlib.h>

int main(int argc, char **argv)
{
    volatile char *room = malloc(8);

    (void)argv;
    room[argc == 1 ? 7 : 8] = 0;
    free((void *)room);
    return 3;
}
C
if gcc -fsanitize=address overflow.c -o asan 2>/dev/null; then # clang's runtime is linked in
    expect 3 '' "$run" ./asan
    expect 3 '' "$run" sh -c ./asan
    expect 9 'heap-buffer-overflow' env ASAN_OPTIONS=exitcode=9 "$run" ./asan x
fi

# Rules of a hostile host: refused before the program starts, and found wherever it goes.
echo 'on eaug nth x do lie' >wrong.rules
expect 125 'wrong.rules:1:13: .*a number' "$run" --hostile wrong.rules ./dynamic
expect 125 'none.rules: No such file' "$run" --hostile none.rules ./dynamic
expect 125 'usage: ap-run' "$run" --hostile
echo 'on create do refuse ENOMEM # and nothing else' >right.rules
expect 0 '^opened$' "$run" --hostile right.rules ./dynamic
expect 0 "^$work/right.rules$" "$run" --hostile right.rules sh -c 'cd /; echo "$APERTURE_HOSTILE"'
expect 1 'wrong.rules:1:13: ' env APERTURE_HOSTILE=wrong.rules "$run" ./dynamic

if env APERTURE_QUIET= "$run" --quiet ./dynamic 2>&1 | grep -q 'does not protect'; then
    echo '--quiet is not' >&2
    bad=1
fi
"$run" --trace=trace ./dynamic >/dev/null
grep -q 'open .*/dev/sgx_enclave' trace || { echo 'no trace in the file' >&2; bad=1; }

mkdir elsewhere
"$run" --trace=far.trace --count=far.count sh -c 'cd elsewhere; exec ../dynamic' >/dev/null
grep -q 'open .*/dev/sgx_enclave' far.trace || { echo 'no trace where it was asked for' >&2; bad=1; }
[ -s far.count ] || { echo 'no counters where they were asked for' >&2; bad=1; }

# Machines: a file is made once, is used, and is refused in words; a random one is of all that run.
expect 0 '' "$run" --new-platform machine
cp machine first
expect 125 'machine: File exists' "$run" --new-platform machine
cmp machine first || bad=1
[ "$(stat -c %a machine)" = 600 ] || { echo 'a machine that others can read' >&2; bad=1; }
grep -q '^FUSES = [0-9a-f]\{32\}$' machine || { echo 'no FUSES' >&2; bad=1; }
expect 125 'No such file' "$run" --new-platform nowhere/machine
expect 125 'usage: ap-run' "$run" --new-platform
expect 125 'usage: ap-run' "$run" --new-platform two machines
expect 0 '^opened$' env APERTURE_PLATFORM=machine "$run" ./dynamic
echo CPUSVN >>machine
expect 1 'APERTURE_PLATFORM=machine:6: expected NAME' env APERTURE_PLATFORM=machine "$run" ./dynamic
expect 1 'not there' env APERTURE_PLATFORM=machine "$run" ./dynamic
seeds() { APERTURE_PLATFORM=random "$run" sh -c 'echo $APERTURE_PLATFORM; sh -c "echo \$APERTURE_PLATFORM"'; }
seeds >one
seeds >two
[ "$(uniq one | grep -cE '^random:[0-9a-f]{64}$')" = 1 ] && [ "$(wc -l <one)" = 2 ] ||
    { echo 'a shell and what it starts are of different machines' >&2; bad=1; }
cmp -s one two && { echo 'two runs are of one random machine' >&2; bad=1; }

# What LD_PRELOAD does not reach is hosted, also where a program of the other kind starts it.
cat >words.c <<'C'
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char path[4096] = "";

    printf("%zd:", readlink("/proc/self/exe", path, sizeof path - 1));
    for (int i = 0; i < argc; i++)
        printf(" %s", argv[i]);
    printf(" %s\n", access("/dev/sgx_enclave", F_OK) == 0 ? "device" : "none");
    return 4;
}
C
"$cc" -static program.c -o static
"$cc" -static words.c -o words
"$cc" -static-pie -fPIE words.c -o words-pie
"$cc" words.c -o words-dynamic
expect 0 '^opened$' "$run" ./static
expect 0 'does not protect' env -u APERTURE_QUIET "$run" ./static
expect 0 '^open.*sgx_enclave\|sgx2 .*open' "$run" --trace ./static
expect 4 '^[1-9][0-9]*: ./words --quiet x device$' "$run" ./words --quiet x
expect 4 ': ./words-pie a device$' "$run" ./words-pie a
expect 4 ': ./words-dynamic device$' "$run" --raw ./words-dynamic
expect 4 ': other x device$' "$run" --argv0 other ./words x
expect 4 ': ./words y device$' "$run" sh -c './words y'
expect 4 ': ./words y device$' "$run" --raw sh -c './words y'
expect 4 ': ./words z device$' "$run" env -- ./words z
expect 0 ': ./words z device$' "$run" sh -c 'echo z | xargs ./words || true'
printf '#!./words one  word \n' >static-script
chmod +x static-script
expect 4 ': ./words one  word ./static-script x device$' "$run" ./static-script x
expect 4 ': ./words one  word ./static-script y device$' "$run" sh -c './static-script y'
if command -v musl-gcc >/dev/null && musl-gcc words.c -o musl 2>/dev/null; then
    expect 4 ': ./musl x device$' "$run" ./musl x
    expect 4 ': ./musl x device$' "$run" sh -c './musl x'
fi

cat >flags.c <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>

int main(void)
{
    const char *node = "/dev/sgx_enclave";
    int fd = open(node, O_PATH);

    printf("%d", ioctl(fd, _IOW(0xa4, 0, long), 8L) < 0 && errno == EBADF);
    printf("%d", open(node, O_RDWR | O_DIRECTORY) < 0 && errno == ENOTDIR);
    printf("%d", open(node, O_RDWR | O_CREAT | O_EXCL, 0600) < 0 && errno == EEXIST);
    printf("%d\n", (fcntl(open(node, O_RDWR | O_NONBLOCK), F_GETFL) & O_NONBLOCK) != 0);
    return 0;
}
C
"$cc" flags.c -o flags
"$cc" -static flags.c -o flags-static
expect 0 '^1111$' "$run" ./flags
expect 0 '^1111$' "$run" ./flags-static
expect 0 '^1111$' "$run" --raw ./flags

# broken OFFSET OCTAL TEXT: a static program with one byte changed is refused in these words.
broken() {
    cp words broken
    printf "$2" | dd of=broken bs=1 seek="$1" conv=notrunc 2>/dev/null
    expect 126 "$3" "$run" ./broken
}
broken 4 '\001' 'not a program for x86-64'
broken 18 '\050' 'not a program for x86-64'
broken 16 '\001' 'neither ET_EXEC nor ET_DYN'
broken 54 '\001' 'size of a program header'
broken 57 '\377' 'no program headers, or more'
broken 37 '\377\377\377\377' 'not in the file'
broken 27 '\001' 'entry is outside its segments'
head -c 40 words >broken
expect 126 'too short' "$run" ./broken
head -c 4096 words >broken
expect 126 'behind the file' "$run" ./broken
cp words-dynamic lost
at=$(grep -abo '/lib64/ld-linux' lost | head -1 | cut -d: -f1)
printf '/nol' | dd of=lost bs=1 seek="$at" conv=notrunc 2>/dev/null
expect 126 'its interpreter /nol.*: No such file' "$run" ./lost
"$cc" -static -Wl,-Ttext-segment=0x7ffffffde000 words.c -o high 2>/dev/null &&
    expect 126 'address space\|cannot be there' "$run" ./high
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
