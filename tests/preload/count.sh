#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# count.sh AP_RUN WORK CC - the summaries of --count and --cost: however a program ends, once, and
# where they were asked for.
set -eu
run=$1 work=$2/count cc=$3
rm -rf "$work"
mkdir -p "$work"
cd "$work"
bad=0

cat >program.c <<'C'
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* An ioctl that is refused counts: SGX_IOC_ENCLAVE_CREATE of nothing. */
static void count_one(int fd)
{
    unsigned long nothing[1] = {0};

    ioctl(fd, _IOW(0xa4, 0, unsigned long), nothing);
}

static void *count_two(void *fd)
{
    count_one(*(int *)fd);
    count_one(*(int *)fd);
    return NULL;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    int fd = open("/dev/sgx_enclave", O_RDWR), ends[2], counted[2];
    pthread_t thread;
    char byte = 0;

    count_one(fd);
    if (strcmp(how, "_exit") == 0)
        _exit(3);
    if (strcmp(how, "_Exit") == 0)
        _Exit(3);
    if (strcmp(how, "exit") == 0)
        exit(3);
    if (strcmp(how, "close") == 0) {
        close(fd);
        write(2, "after\n", 6);
    }
    if (strcmp(how, "thread") == 0) {
        pthread_create(&thread, NULL, count_two, &fd);
        pthread_join(thread, NULL);
    }
    if (strcmp(how, "child-first") == 0 || strcmp(how, "child-last") == 0) {
        pipe(ends);
        pipe(counted);
        if (fork() == 0) {
            count_one(fd);
            write(counted[1], &byte, 1);
            close(ends[1]);
            if (strcmp(how, "child-last") == 0)
                read(ends[0], &byte, 1); /* until the parent has ended */
            usleep(100000);
            write(2, "child\n", 6);
            exit(0);
        }
        read(counted[0], &byte, 1);
        if (strcmp(how, "child-first") == 0)
            wait(NULL);
        write(2, "parent\n", 7);
    }
    if (strcmp(how, "child-unknown") == 0 && fork() == 0) {
        usleep(200000); /* the parent has ended, and could not know */
        count_one(fd);
        return 0;
    }
    if (strcmp(how, "child-idle") == 0 && fork() == 0) {
        usleep(200000);
        return 0;
    }
    return 3;
}
C
"$cc" program.c -o program -lpthread 2>/dev/null

refuse() {
    echo "$1:" >&2
    cat out >&2
    bad=1
}

# ends HOW TIMES TEXT: its summary comes TIMES times, with TEXT in it, and its status is its own.
ends() {
    got=0
    "$run" --count ./program "$1" >out 2>&1 || got=$?
    sleep "${4-0}"
    [ "$got" = 3 ] || refuse "$1: exit status $got"
    [ "$(grep -c '^aperture: counters of enclave' out)" = "$2" ] || refuse "$1: not $2 summaries"
    grep -q "$3" out || refuse "$1: no '$3'"
}

for how in return exit _exit _Exit; do
    ends $how 1 '^  ioctl_create  *1  *1  ioctl CREATE$'
done
ends close 1 '^after$'
[ "$(tail -n 1 out)" = after ] || refuse 'close: the summary comes after the end'
ends thread 1 '^  ioctl_create  *3  *[12]  *[12]  ioctl CREATE$'
grep -q 'in all, and of 2 threads$' out || refuse 'thread: not 2 threads'
ends child-first 1 '^  ioctl_create  *2  *1  *1  ioctl CREATE$'
sed -n '/^parent$/,$p' out | grep -q '^aperture: counters' || refuse 'child-first: the wrong one'
ends child-last 1 '^  ioctl_create  *2  *1  *1  ioctl CREATE$' 0.5
sed -n '/^child$/,$p' out | grep -q '^aperture: counters' || refuse 'child-last: the wrong one'

ends child-unknown 2 '^  ioctl_create  *2  *1  *1  ioctl CREATE$' 0.5
ends child-idle 1 '^  ioctl_create  *1  *1  ioctl CREATE$' 0.5

# Not asked for, or of a program that never opened the device.
"$run" ./program >out 2>&1 || :
[ ! -s out ] || refuse 'nobody asked'
"$run" --count true >out 2>&1
[ ! -s out ] || refuse 'of no enclave'

# To a file, which is appended to.
"$run" --count=file ./program 2>out || :
"$run" --count=file ./program 2>>out || :
[ ! -s out ] || refuse '--count=file: something on standard error'
[ "$(grep -c '^aperture: counters' file)" = 2 ] || { cat file >&2; bad=1; }
"$run" --count=no/where ./program 2>out || :
grep -q '^aperture: APERTURE_COUNT: cannot write to .*/no/where: No such file' out || refuse 'no/where'
grep -q '^aperture: counters' out || refuse 'no/where: the summary is lost'

# What it would cost comes second, and says what it does not know.
"$run" --cost ./program >out 2>&1 || :
sed -n '/^aperture: counters/,$p' out | grep -q '^aperture: enclave [0-9]* on hardware, by the first' ||
    refuse '--cost: no estimate after the counters'
grep -q '^  0 of 0 events (0.0 %) have no published figure$' out || refuse '--cost: no share'
"$run" --cost=xeon-5315y ./program >out 2>&1 || :
grep -q 'on hardware, by xeon-5315y' out || refuse '--cost=xeon-5315y'

expect() {
    status=$1 text=$2
    shift 2
    got=0
    "$@" >out 2>&1 || got=$?
    [ "$got" = "$status" ] && grep -q -- "$text" out || refuse "$*: exit status $got, or no '$text'"
}
expect 125 "has no figures of 'pdp-11', but of: unnamed-2.1ghz skylake" \
    "$run" --cost=pdp-11 ./program
printf '# mine\nEADD\t12\tcycles\t-\tmine\tmeasured\tme\n' >bad.tsv
expect 125 "/bad.tsv:2: the status 'measured': want verified" \
    env "APERTURE_COST_FILE=$work/bad.tsv" "$run" --cost ./program
expect 125 'nowhere.tsv:0: No such file' env APERTURE_COST_FILE=nowhere.tsv "$run" --cost ./program
printf 'EADD\t12\tcycles\t-\tmine\tverified\tme\n' >good.tsv
expect 3 'by mine figures in good.tsv' env APERTURE_COST_FILE=good.tsv "$run" --cost=mine ./program
expect 125 'usage: ap-run' "$run" --count= ./program
expect 125 'usage: ap-run' "$run" --counts ./program

# Where nothing was checked before: the environment alone.
preload=$(dirname "$run")/libsgx2.so
expect 3 "bad.tsv:2: the status 'measured'" \
    env APERTURE_COST=1 APERTURE_COST_FILE=bad.tsv "LD_PRELOAD=$preload" ./program
expect 3 "has no figures of 'pdp-11', but of: mine" \
    env APERTURE_COST=pdp-11 APERTURE_COST_FILE=good.tsv "LD_PRELOAD=$preload" ./program

exit $bad
