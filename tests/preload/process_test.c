/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model.h"
#include "raw.h"

extern char **environ;

static struct raw raw;

static int status_of(pid_t child)
{
    int status;

    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status), "signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

static uint64_t value(struct raw *r, uint64_t put)
{
    raw_do(r, 0, (struct op){.op = OP_STORE, .a = raw_address(r, RAW_DATA), .b = put});
    return raw_do(r, 0, (struct op){.op = OP_LOAD, .a = raw_address(r, RAW_DATA)}).ret;
}

Test(fork, gives_a_child_that_enters_an_enclave_of_its_own)
{
    pid_t child;

    raw_open(&raw);
    raw_do(&raw, 0, (struct op){.op = OP_NOP});
    child = fork();
    if (child == 0) {
        static struct raw own;

        raw_open(&own);
        _exit(value(&own, 7) == 7 ? 0 : 1);
    }
    cr_assert_eq(status_of(child), 0);
    cr_assert_eq(value(&raw, 8), 8);
    raw_close(&raw);
}

Test(fork, gives_a_child_that_enters_the_enclave_of_its_parent)
{
    pid_t child;

    raw_open(&raw);
    value(&raw, 1);
    child = fork();
    if (child == 0) {
        struct op op = {.op = OP_SYSCALL};

        if (raw_call(&raw, 3, SGX_EENTER, &op) || raw.run.exception_vector != 6)
            _exit(2); /* SYSCALL is an illegal instruction in there for the child too */
        _exit(value(&raw, 9) == 9 ? 0 : 1);
    }
    cr_assert_eq(status_of(child), 0);
    cr_assert_eq(raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = raw_address(&raw, RAW_DATA)}).ret,
                 9, "one enclave, seen from both");
    raw_close(&raw);
}

Test(exec, of_a_program_that_knows_nothing_of_enclaves)
{
    char line[64] = "";
    FILE *from;

    raw_open(&raw);
    value(&raw, 1);
    cr_assert_eq(system("exit 3"), 3 << 8);
    from = popen("echo from the shell", "r");
    cr_assert_not_null(fgets(line, sizeof line, from));
    cr_assert_str_eq(line, "from the shell\n");
    cr_assert_eq(pclose(from), 0);
    cr_assert_eq(value(&raw, 2), 2);
    raw_close(&raw);
}

/* What the child does before exec happens in its parent's memory but to its own descriptors. */
Test(vfork, leaves_the_enclave_of_its_parent_alone)
{
    pid_t child;

    raw_open(&raw);
    munmap(raw.base, RAW_SIZE); /* from here on the descriptor alone keeps the enclave */
    signal(SIGUSR1, SIG_IGN);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    child = vfork();
#pragma GCC diagnostic pop
    if (child == 0) {
        close(raw.fd);
        signal(SIGSEGV, SIG_DFL);
        execl("/bin/true", "true", NULL);
        _exit(9);
    }
    cr_assert_eq(status_of(child), 0);
    raw_map(&raw);
    cr_assert_eq(value(&raw, 5), 5);
    raw_close(&raw);
}

Test(spawn, of_a_child_that_has_the_descriptor_closed)
{
    posix_spawn_file_actions_t actions;
    char *argv[] = {"true", NULL};
    pid_t child;

    raw_open(&raw);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addclose(&actions, raw.fd);
    cr_assert_eq(posix_spawn(&child, "/bin/true", &actions, NULL, argv, environ), 0);
    cr_assert_eq(status_of(child), 0);
    cr_assert_eq(value(&raw, 5), 5);
    posix_spawn_file_actions_destroy(&actions);
    raw_close(&raw);
}

static void *enter_and_end(void *arg)
{
    struct op op = {.op = OP_NOP};
    struct sgx_enclave_run run = {.tcs = raw_address(&raw, 3 * SGX_PAGE_SIZE)};

    (void)arg;
    return (void *)(intptr_t)raw_enter(&op, SGX_EENTER, &run);
}

Test(threads, come_and_go)
{
    raw_open(&raw);
    for (int i = 0; i < 300; i++) {
        pthread_t thread;
        void *result;

        cr_assert_eq(pthread_create(&thread, NULL, enter_and_end, NULL), 0);
        pthread_join(thread, &result);
        cr_assert_null(result);
    }
    raw_close(&raw);
}
