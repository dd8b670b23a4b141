/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that ap-run hosts: statically linked, linked with musl, or under --raw. Every system
 * call here is an instruction of the program's own, or of a libc that the model does not know.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "find.h"
#include "raw.h"

extern char **environ;

static struct raw raw;

static long call(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long r;

    __asm__ volatile("syscall"
                     : "=a"(r)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return r;
}

#define CALL(number, a, b, c, d, e, f)                                                             \
    call(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

static uint64_t value(uint64_t put)
{
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = raw_address(&raw, RAW_DATA), .b = put});
    return raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = raw_address(&raw, RAW_DATA)}).ret;
}

static int status_of(pid_t child)
{
    int status;

    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status), "signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

/* ------------------------------------------------------------------ system calls */

Test(call, finds_the_device_by_any_spelling)
{
    const long dev = CALL(SYS_open, "/dev", O_RDONLY | O_DIRECTORY, 0, 0, 0, 0);

    cr_assert_geq(CALL(SYS_open, "//dev//sgx_enclave", O_RDWR, 0, 0, 0, 0), 0);
    cr_assert_geq(CALL(SYS_open, "/dev/../dev/sgx_enclave", O_RDWR, 0, 0, 0, 0), 0);
    cr_assert_geq(CALL(SYS_openat, dev, "sgx_enclave", O_RDWR, 0, 0, 0), 0);
    cr_assert_eq(CALL(SYS_faccessat, dev, "sgx_enclave", R_OK, 0, 0, 0), 0);
    cr_assert_eq(CALL(SYS_chdir, "/dev", 0, 0, 0, 0, 0), 0);
    cr_assert_geq(CALL(SYS_open, "sgx_enclave", O_RDWR, 0, 0, 0, 0), 0);
    cr_assert_eq(CALL(SYS_open, "sgx_enclave.not", O_RDWR, 0, 0, 0, 0), -ENOENT);
}

Test(call, opens_and_asks_the_device_by_its_number)
{
    static const char node[] = "/dev/sgx_enclave";
    struct stat st;
    long fd = CALL(SYS_open, node, O_RDWR, 0, 0, 0, 0), copy;

    cr_assert_geq(fd, 0);
    cr_assert_geq(CALL(SYS_openat, AT_FDCWD, node, O_RDWR, 0, 0, 0), 0);
    cr_assert_eq(CALL(SYS_stat, node, &st, 0, 0, 0, 0), 0);
    cr_assert(S_ISCHR(st.st_mode));
    memset(&st, 0, sizeof st);
    cr_assert_eq(CALL(SYS_fstat, fd, &st, 0, 0, 0, 0), 0);
    cr_assert(S_ISCHR(st.st_mode));
    cr_assert_eq(CALL(SYS_access, node, X_OK, 0, 0, 0, 0), -EACCES);
    cr_assert_eq(CALL(SYS_faccessat, AT_FDCWD, node, R_OK, 0, 0, 0), 0);
    copy = CALL(SYS_dup, fd, 0, 0, 0, 0, 0);
    cr_assert_eq(CALL(SYS_close, fd, 0, 0, 0, 0, 0), 0);
    cr_assert_eq(CALL(SYS_ioctl, copy, SGX_IOC_ENCLAVE_CREATE, 8, 0, 0, 0), -EFAULT);
    cr_assert_eq(CALL(SYS_ioctl, copy, 0xa4ff, 0, 0, 0, 0), -ENOTTY);
}

Test(call, of_a_bad_pointer_is_an_error_and_no_end)
{
    cr_assert_eq(CALL(SYS_open, 8, O_RDONLY, 0, 0, 0, 0), -EFAULT);
    cr_assert_eq(CALL(SYS_stat, "/dev/sgx_enclave", 8, 0, 0, 0, 0), -EFAULT);
    cr_assert_eq(CALL(SYS_rt_sigaction, SIGUSR1, 8, 0, 8, 0, 0), -EFAULT);
    cr_assert_eq(CALL(SYS_rt_sigprocmask, SIG_BLOCK, 8, 0, 8, 0, 0), -EFAULT);
    cr_assert_eq(CALL(SYS_sigaltstack, 8, 0, 0, 0, 0, 0), -EFAULT);
    cr_assert_eq(CALL(SYS_execve, 8, 0, 0, 0, 0, 0), -EFAULT);
    cr_assert_eq(CALL(SYS_readlink, "/proc/self/exe", 8, 100, 0, 0, 0), -EFAULT);
    cr_assert_eq(CALL(SYS_rt_sigaction, SIGUSR1, 0, 0, 4, 0, 0), -EINVAL);
    cr_assert_eq(CALL(SYS_rt_sigprocmask, SIG_BLOCK, 0, 0, 4, 0, 0), -EINVAL);
    cr_assert_eq(CALL(SYS_rt_sigaction, SIGKILL, &(uint64_t[4]){0}, 0, 8, 0, 0), -EINVAL);
}

Test(call, changes_no_register_but_the_three_of_syscall)
{
    uint64_t in[12], out[12] = {0}, here = 1;
    uint64_t *from = in, *to = out, *at = &here;

    for (size_t i = 0; i < 12; i++)
        in[i] = 0x1111111111111111 * (i + 1);
    __asm__ volatile("lea -128(%%rsp), %%rsp\n push %%rbp\n push %%rbx\n"
                     "mov %[in], %%rax\n push %[out]\n push %[here]\n"
                     "mov 0(%%rax), %%rdi\n mov 8(%%rax), %%rsi\n mov 16(%%rax), %%rdx\n"
                     "mov 24(%%rax), %%r10\n mov 32(%%rax), %%r8\n mov 40(%%rax), %%r9\n"
                     "mov 48(%%rax), %%rbx\n mov 56(%%rax), %%rbp\n mov 64(%%rax), %%r12\n"
                     "mov 72(%%rax), %%r13\n mov 80(%%rax), %%r14\n mov 88(%%rax), %%r15\n"
                     "mov $39, %%eax\n" /* getpid */
                     "syscall\n"
                     "1: pop %%rax\n mov %%rcx, (%%rax)\n lea 1b(%%rip), %%rcx\n"
                     "sub %%rcx, (%%rax)\n pop %%rax\n"
                     "mov %%rdi, 0(%%rax)\n mov %%rsi, 8(%%rax)\n mov %%rdx, 16(%%rax)\n"
                     "mov %%r10, 24(%%rax)\n mov %%r8, 32(%%rax)\n mov %%r9, 40(%%rax)\n"
                     "mov %%rbx, 48(%%rax)\n mov %%rbp, 56(%%rax)\n mov %%r12, 64(%%rax)\n"
                     "mov %%r13, 72(%%rax)\n mov %%r14, 80(%%rax)\n mov %%r15, 88(%%rax)\n"
                     "pop %%rbx\n pop %%rbp\n lea 128(%%rsp), %%rsp\n"
                     : [in] "+c"(from), [out] "+d"(to), [here] "+S"(at)
                     :
                     : "rax", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
                       "memory");
    cr_assert_arr_eq(in, out, sizeof in);
    cr_assert_eq(here, 0, "RCX is the address behind SYSCALL");
}

Test(call, of_thirty_two_bits_is_not_there)
{
    long r;

    __asm__ volatile("int $0x80" : "=a"(r) : "a"(20l) : "memory");
    cr_assert_eq(r, -ENOSYS);
}

Test(call, of_the_dispatch_itself_is_refused)
{
    cr_assert_eq(CALL(SYS_prctl, 59, 0, 0, 0, 0, 0), -EINVAL);
}

Test(call, moves_the_program_break)
{
    const long start = CALL(SYS_brk, 0, 0, 0, 0, 0, 0);
    char *at = (char *)start;

    cr_assert_eq(CALL(SYS_brk, start + 100000, 0, 0, 0, 0, 0), start + 100000);
    memset(at, 1, 100000);
    cr_assert_eq(CALL(SYS_brk, start, 0, 0, 0, 0, 0), start);
    cr_assert_eq(CALL(SYS_brk, start + 100000, 0, 0, 0, 0, 0), start + 100000);
    cr_assert_eq(at[50000], 0, "what was given back is gone");
    cr_assert_eq(CALL(SYS_brk, 1, 0, 0, 0, 0, 0), start + 100000, "refused: as it was");
    cr_assert_eq(CALL(SYS_brk, start, 0, 0, 0, 0, 0), start);
}

Test(call, finds_the_program_behind_its_links)
{
    char path[4096] = "", own[64], *slash;
    struct stat st, st_link;

    cr_assert_gt(CALL(SYS_readlink, "/proc/self/exe", path, sizeof path, 0, 0, 0), 0);
    slash = strrchr(path, '/');
    cr_assert(slash && !strstr(slash, "ap-run"), "%s", path);
    cr_assert_eq(stat(path, &st), 0);
    snprintf(own, sizeof own, "/proc/%d/exe", getpid());
    cr_assert_eq(stat(own, &st_link), 0);
    cr_assert_eq(st.st_ino, st_link.st_ino);
    cr_assert_eq(CALL(SYS_readlink, "/proc/self/exe", path, 3, 0, 0, 0), 3);
    cr_assert_eq(CALL(SYS_readlink, "/proc/self/exe", path, 0, 0, 0, 0), -EINVAL);
}

/* ------------------------------------------------------------------ the first stack */

Test(stack, has_what_the_kernel_puts_there)
{
    const uint8_t *random = (const uint8_t *)getauxval(AT_RANDOM);
    unsigned sum = 0;

    cr_assert_eq(getauxval(AT_PAGESZ), 4096);
    cr_assert_eq(getauxval(AT_SECURE), 0);
    cr_assert_eq(getauxval(AT_UID), getuid());
    cr_assert_eq(getauxval(AT_PHENT), 56);
    cr_assert_neq(getauxval(AT_PHDR), 0);
    cr_assert_not_null((const char *)getauxval(AT_EXECFN));
    for (int i = 0; i < 16; i++)
        sum += random[i];
    cr_assert_neq(sum, 0);
    cr_assert_not_null(find_vdso("__vdso_sgx_enter_enclave"));
    cr_assert_not_null(find_vdso("__vdso_clock_gettime"));
}

/* ------------------------------------------------------------------ signals */

static volatile sig_atomic_t ticks;
static __thread volatile sig_atomic_t mine;

static void tick(int sig)
{
    (void)sig;
    ticks++;
    mine++;
}

static void set_handler(int sig, int flags)
{
    struct sigaction action = {.sa_handler = tick, .sa_flags = flags};

    cr_assert_eq(sigaction(sig, &action, NULL), 0);
}

static void every(long us)
{
    const struct itimerval timer = {{0, us}, {0, us}};

    cr_assert_eq(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

Test(signal, interrupts_a_call_or_has_it_made_again)
{
    int fds[2];
    char byte;

    cr_assert_eq(pipe(fds), 0);
    set_handler(SIGALRM, 0);
    every(20000);
    cr_assert_eq(CALL(SYS_read, fds[0], &byte, 1, 0, 0, 0), -EINTR);
    every(0);
    ticks = 0;
    set_handler(SIGALRM, SA_RESTART);
    every(20000);
    if (fork() == 0) {
        every(0);
        usleep(200000);
        _exit(write(fds[1], "x", 1) != 1);
    }
    cr_assert_eq(CALL(SYS_read, fds[0], &byte, 1, 0, 0, 0), 1);
    every(0);
    cr_assert_eq(byte, 'x');
    cr_assert_geq(ticks, 3, "the call was made again each time");
}

Test(signal, waits_while_it_is_blocked)
{
    sigset_t set, old;

    set_handler(SIGUSR1, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGSEGV); /* which the model keeps open */
    cr_assert_eq(sigprocmask(SIG_BLOCK, &set, &old), 0);
    raise(SIGUSR1);
    cr_assert_eq(ticks, 0);
    cr_assert_eq(sigprocmask(SIG_SETMASK, NULL, &set), 0);
    cr_assert(sigismember(&set, SIGUSR1) && sigismember(&set, SIGSEGV));
    cr_assert(!sigismember(&set, SIGSYS));
    sigdelset(&set, SIGUSR1);
    cr_assert_eq(sigsuspend(&set), -1);
    cr_assert_eq(ticks, 1);
    cr_assert_eq(sigprocmask(SIG_SETMASK, &old, NULL), 0);
    raise(SIGUSR1);
    cr_assert_eq(ticks, 2);
}

static void *on_stack;

static void note_stack(int sig)
{
    stack_t stack;

    (void)sig;
    sigaltstack(NULL, &stack);
    on_stack = stack.ss_flags & SS_ONSTACK ? __builtin_frame_address(0) : NULL;
}

Test(signal, runs_on_the_alternate_stack_that_the_program_set)
{
    struct sigaction action = {.sa_handler = note_stack, .sa_flags = SA_ONSTACK};
    static uint8_t memory[65536];
    const stack_t stack = {.ss_sp = memory, .ss_size = sizeof memory};
    stack_t now;

    cr_assert_eq(sigaltstack(&stack, NULL), 0);
    cr_assert_eq(sigaltstack(NULL, &now), 0);
    cr_assert_eq(now.ss_sp, memory);
    cr_assert_eq(now.ss_flags, 0);
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    cr_assert((uint8_t *)on_stack > memory && (uint8_t *)on_stack < memory + sizeof memory);
}

static uint64_t stop;

/* 10 kHz, for a fifth of a second: what arrives depends on the machine, what is lost does not. */
Test(signal, storm_hits_enclave_and_calls_alike)
{
    struct op op = {.op = OP_SPIN, .a = (uint64_t)(uintptr_t)&stop};
    struct sgx2_counters after;
    pid_t child;

    raw_open(&raw);
    set_handler(SIGALRM, SA_RESTART);
    every(100);
    while (ticks < 200)
        cr_assert_eq(
            value((uint64_t)ticks),
            (uint64_t)raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = raw_address(&raw, RAW_DATA)})
                .ret);
    child = fork();
    if (child == 0)
        _exit(3);
    cr_assert_eq(status_of(child), 3);
    stop = 1;
    raw_call(&raw, 3, SGX_EENTER, &op);
    every(0);
    after = raw_counters(&raw);
    cr_assert_eq(ticks, mine, "the handler has the program's thread-local storage");
    cr_assert_gt(after.aex, 0);
}

/* ------------------------------------------------------------------ threads */

#define THREADS 8

static __thread int local = 5;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int sum;

static void *work(void *arg)
{
    const long id = (long)arg;

    for (int i = 0; i < 200; i++) {
        pthread_mutex_lock(&mutex);
        sum++;
        local++;
        if (i % 10 == 0)
            cr_assert_eq(value((uint64_t)id), (uint64_t)id);
        pthread_mutex_unlock(&mutex);
    }
    return (void *)(long)local;
}

Test(thread, of_eight_has_its_own_storage_and_enters)
{
    pthread_t threads[THREADS];
    void *result;

    raw_open(&raw);
    for (long i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, work, (void *)i), 0);
    for (long i = 0; i < THREADS; i++) {
        cr_assert_eq(pthread_join(threads[i], &result), 0);
        cr_assert_eq((long)result, 205);
    }
    cr_assert_eq(sum, THREADS * 200);
    cr_assert_eq(local, 5);
}

static void *give_tid(void *arg)
{
    *(long *)arg = CALL(SYS_gettid, 0, 0, 0, 0, 0, 0);
    return NULL;
}

Test(thread, comes_and_goes_a_thousand_times)
{
    long tid;

    for (int i = 0; i < 1000; i++) {
        pthread_t thread;

        cr_assert_eq(pthread_create(&thread, NULL, give_tid, &tid), 0);
        cr_assert_eq(pthread_join(thread, NULL), 0);
        cr_assert_neq(tid, CALL(SYS_gettid, 0, 0, 0, 0, 0, 0));
    }
}

static void *end_process(void *arg)
{
    (void)arg;
    usleep(10000);
    exit(6);
}

Test(thread, may_outlive_the_first)
{
    pid_t child = fork();

    if (child == 0) {
        pthread_t thread;

        pthread_create(&thread, NULL, end_process, NULL);
        CALL(SYS_exit, 0, 0, 0, 0, 0, 0);
    }
    cr_assert_eq(status_of(child), 6);
}

Test(thread, that_shares_less_than_all_is_refused)
{
    cr_assert_eq(CALL(SYS_clone, CLONE_THREAD | CLONE_VM | CLONE_SIGHAND, 0, 0, 0, 0, 0), -EINVAL);
    cr_assert_eq(CALL(SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0, 0), -EINVAL);
    cr_assert_eq(CALL(SYS_clone, CLONE_VM | SIGCHLD, 0, 0, 0, 0, 0), -EINVAL);
    cr_assert_eq(CALL(435, 0, 0, 0, 0, 0, 0), -ENOSYS, "clone3");
}

/* ------------------------------------------------------------------ processes */

Test(process, by_fork_enters_the_enclave_of_its_parent)
{
    pid_t child;

    raw_open(&raw);
    value(1);
    child = fork();
    if (child == 0)
        _exit(value(9) == 9 ? 4 : 1);
    cr_assert_eq(status_of(child), 4);
    cr_assert_eq(raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = raw_address(&raw, RAW_DATA)}).ret,
                 9);
}

Test(process, by_vfork_has_the_memory_of_its_parent)
{
    static volatile int seen;
    pid_t child = vfork();

    if (child == 0) {
        seen = 7;
        _exit(4);
    }
    cr_assert_eq(seen, 7);
    cr_assert_eq(status_of(child), 4);
    set_handler(SIGUSR1, 0);
    raise(SIGUSR1);
    cr_assert_eq(ticks, 1, "all is as it was");
}

Test(process, that_cannot_be_spawned_is_an_error_of_the_parent)
{
    char *argv[] = {"x", NULL};
    pid_t child;

    cr_assert_eq(posix_spawn(&child, "/nonexistent", NULL, NULL, argv, environ), ENOENT);
    cr_assert_eq(posix_spawn(&child, "/etc/passwd", NULL, NULL, argv, environ), EACCES);
}

Test(process, that_is_spawned_is_on_the_model_too)
{
    char *argv[] = {"sh", "-c", "exec 3<>/dev/sgx_enclave && test -c /dev/sgx_enclave", NULL};
    pid_t child;

    cr_assert_eq(posix_spawn(&child, "/bin/sh", NULL, NULL, argv, environ), 0);
    cr_assert_eq(status_of(child), 0);
    cr_assert_eq(system("test -c /dev/sgx_provision || exit 9"), 0);
}

Test(process, keeps_its_mask_through_exec)
{
    char *argv[] = {"grep", "-q", "^SigBlk:.*00000200$", "/proc/self/status", NULL};
    sigset_t set;
    pid_t child;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    child = fork();
    if (child == 0) {
        sigprocmask(SIG_SETMASK, &set, NULL);
        execv("/bin/grep", argv);
        _exit(2);
    }
    cr_assert_eq(status_of(child), 0);
}
