/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that are stopped inside: an ioctl that tracks does not wait for them.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model.h"
#include "raw.h"

#define R_PR (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_PR)

/* An ioctl that waits for a stopped process is cut off by this, and the test fails. */
TestSuite(stopped, .timeout = 20);

static struct raw raw;

static struct board {
    volatile uint64_t stop; /* for OP_SPIN */
    struct op op;           /* of the child: it has shown its CSSA in ret2 once it is inside */
    struct sgx_enclave_run run;
} * board;

static uint64_t data(void)
{
    return raw_address(&raw, RAW_DATA);
}

/* A child that spins inside on TCS 0 until *at is not zero, and says how it came out. */
static pid_t child_spins(uint64_t at)
{
    pid_t pid;

    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(board, MAP_FAILED);
    board->op = (struct op){.op = OP_SPIN, .a = at ? at : (uint64_t)(uintptr_t)&board->stop};
    board->op.ret2 = ~UINT64_C(0);
    board->run.tcs = raw_address(&raw, 0);
    pid = fork();
    if (pid == 0) {
        struct op load = {.op = OP_LOAD, .a = data()};

        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test leaves nothing stopped behind */
        if (raw_enter(&load, SGX_EENTER, &board->run) == 0) /* no page faults later than this */
            raw_enter(&board->op, SGX_EENTER, &board->run);
        _exit(0);
    }
    cr_assert_gt(pid, 0);
    while (*(volatile uint64_t *)&board->op.ret2 == ~UINT64_C(0))
        sched_yield();
    return pid;
}

static void stop(pid_t pid)
{
    int status;

    kill(pid, SIGSTOP);
    cr_assert_eq(waitpid(pid, &status, WUNTRACED), pid);
    cr_assert(WIFSTOPPED(status));
}

static void end(pid_t pid)
{
    int status = -1;

    board->stop = 1;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child's status is %#x", status);
}

static void restrict_to(uint64_t offset, uint64_t perm)
{
    struct sgx_enclave_restrict_permissions r;

    cr_assert_eq(raw_restrict(&raw, offset, SGX_PAGE_SIZE, perm, &r), 0);
    cr_assert_eq(r.count, SGX_PAGE_SIZE);
}

static void accept_read_only(uint64_t offset)
{
    cr_assert_eq(raw_leaf(&raw, 3, SGX_EACCEPT, R_PR, raw.base + offset, NULL), SGX_OK, "tracked");
}

Test(stopped, a_process_is_not_waited_for_and_goes_on_where_it_was)
{
    pid_t pid;

    raw_open(&raw);
    pid = child_spins(0);
    stop(pid);
    restrict_to(RAW_DATA, SGX_SECINFO_R);
    accept_read_only(RAW_DATA);
    cr_assert_eq(raw_counters(&raw).ipis, 0, "it has left in name only");
    kill(pid, SIGCONT);
    end(pid);
    cr_assert_eq(board->run.function, SGX_EEXIT);
    cr_assert_gt(board->op.ret, 0);
    cr_assert_geq(raw_counters(&raw).ipis, 1, "the interrupt came when it went on");
    raw_close(&raw);
}

Test(stopped, for_any_number_of_epochs)
{
    pid_t pid;

    raw_open(&raw);
    pid = child_spins(0);
    stop(pid);
    for (int i = 0; i < 3; i++) {
        restrict_to(RAW_DATA, SGX_SECINFO_R);
        accept_read_only(RAW_DATA);
    }
    kill(pid, SIGCONT);
    restrict_to(RAW_DATA, SGX_SECINFO_R); /* from here on it is waited for as ever */
    accept_read_only(RAW_DATA);
    end(pid);
    restrict_to(RAW_DATA, SGX_SECINFO_R);
    accept_read_only(RAW_DATA);
    raw_close(&raw);
}

Test(stopped, what_was_taken_meanwhile_is_gone_when_it_goes_on)
{
    pid_t pid;

    raw_open(&raw);
    pid = child_spins(data());
    stop(pid);
    restrict_to(RAW_DATA, 0);
    kill(pid, SIGCONT);
    end(pid);
    cr_assert_eq(board->run.function, SGX_ERESUME);
    cr_assert_eq(board->run.exception_vector, SGX_VECTOR_PF);
    cr_assert_eq(board->run.exception_error_code, 0x8005);
    cr_assert_eq(board->run.exception_addr, data());
    raw_close(&raw);
}

Test(stopped, and_killed_it_has_left_once)
{
    pid_t pid;

    raw_open(&raw);
    pid = child_spins(0);
    stop(pid);
    restrict_to(RAW_DATA, SGX_SECINFO_R);
    kill(pid, SIGKILL);
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
    restrict_to(RAW_DATA, SGX_SECINFO_R);
    accept_read_only(RAW_DATA);
    cr_assert_eq(raw_do(&raw, 0, (struct op){.op = OP_NOP}).ret2, 1, "CSSA");
    raw_close(&raw);
}

Test(stopped, a_process_under_a_debugger_is_not_waited_for_either)
{
    pid_t pid;
    int status;

    raw_open(&raw);
    pid = child_spins(0);
    if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0) {
        kill(pid, SIGKILL);
        cr_skip_test("no ptrace here");
    }
    cr_assert_eq(ptrace(PTRACE_INTERRUPT, pid, 0, 0), 0);
    cr_assert_eq(waitpid(pid, &status, __WALL), pid);
    cr_assert(WIFSTOPPED(status));
    restrict_to(RAW_DATA, SGX_SECINFO_R);
    accept_read_only(RAW_DATA);
    cr_assert_eq(ptrace(PTRACE_DETACH, pid, 0, 0), 0);
    end(pid);
    cr_assert_eq(board->run.function, SGX_EEXIT);
    raw_close(&raw);
}

static void *continue_soon(void *pid)
{
    usleep(2000);
    kill((pid_t)(intptr_t)pid, SIGCONT);
    return NULL;
}

/*
 * Stopped wherever it happens to be: inside, on its way in or out, or in a handler of the model,
 * maybe with the lock. There it would be waited for, so it goes on after a while.
 */
Test(stopped, at_any_moment)
{
    pthread_t thread;
    pid_t pid;

    raw_open(&raw);
    raw_do(&raw, 3, (struct op){.op = OP_STORE, .a = data(), .b = 1}); /* each spin ends at once */
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(board, MAP_FAILED);
    pid = fork();
    if (pid == 0) {
        struct sgx_enclave_run run = {.tcs = raw_address(&raw, 0)};

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (!board->stop) {
            struct op op = {.op = OP_SPIN, .a = data()};

            if (raw_enter(&op, SGX_EENTER, &run) != 0 || run.function != SGX_EEXIT || op.ret != 1)
                _exit(1);
        }
        _exit(0);
    }
    for (int i = 0; i < 200; i++) {
        usleep(137);
        stop(pid);
        pthread_create(&thread, NULL, continue_soon, (void *)(intptr_t)pid);
        restrict_to(RAW_OPERAND, SGX_SECINFO_R | SGX_SECINFO_W);
        pthread_join(thread, NULL);
    }
    end(pid);
    raw_close(&raw);
}
