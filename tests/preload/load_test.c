/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that load the runtime while they run, and programs that become others.
 */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "raw.h"
#include "runtime.h"

static struct runtime {
    void *library;
    __typeof__(&runtime_open) open;
    __typeof__(&runtime_close) close;
    __typeof__(&runtime_call) call;
    __typeof__(&runtime_signal) signal;
} runtime;

static void load(int how)
{
    runtime.library = dlopen(RUNTIME, RTLD_NOW | how);
    cr_assert_not_null(runtime.library, "%s", dlerror());
    *(void **)&runtime.open = dlsym(runtime.library, "runtime_open");
    *(void **)&runtime.close = dlsym(runtime.library, "runtime_close");
    *(void **)&runtime.call = dlsym(runtime.library, "runtime_call");
    *(void **)&runtime.signal = dlsym(runtime.library, "runtime_signal");
}

static void live(void)
{
    cr_assert_eq(runtime.open(), 0);
    cr_assert_eq(runtime.call(7), 7);
    cr_assert_eq(runtime.call(8), 8);
    cr_assert_eq(runtime.close(), 0);
}

Test(runtime, that_is_loaded_builds_and_enters_an_enclave)
{
    load(RTLD_LOCAL);
    live();
    cr_assert_eq(dlclose(runtime.library), 0);
    load(RTLD_LOCAL);
    live();
}

Test(runtime, that_is_loaded_beside_an_enclave_of_the_program)
{
    static struct raw own;

    raw_open(&own);
    raw_do(&own, 0, (struct op){.op = OP_NOP});
    load(RTLD_GLOBAL);
    live();
    raw_do(&own, 0, (struct op){.op = OP_NOP});
    raw_close(&own);
}

Test(runtime, has_handlers_that_are_called)
{
    load(RTLD_LOCAL);
    cr_assert_eq(runtime.open(), 0);
    cr_assert_eq(runtime.call(1), 1);
    cr_assert_eq(runtime.signal(), 1);
    cr_assert_eq(runtime.call(2), 2);
}

static int status_of(pid_t child)
{
    int status;

    cr_assert_eq(waitpid(child, &status, 0), child);
    return status;
}

/* A program of its own, with arguments: its exit status. */
static int run(const char *how, const char *argument)
{
    const pid_t child = fork();

    if (child == 0) {
        unsetenv("BXFI_MAP"); /* it is none of the test framework's programs */
        execl(NEXT_PROGRAM, NEXT_PROGRAM, how, argument, NULL);
        _exit(9);
    }
    return status_of(child);
}

static struct raw raw;

static void begin(void)
{
    raw_open(&raw);
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = raw_address(&raw, RAW_DATA), .b = 77});
}

static void end(void)
{
    const struct op op = {.op = OP_LOAD, .a = raw_address(&raw, RAW_DATA)};

    cr_assert_eq(raw_do(&raw, 0, op).ret, 77);
    raw_close(&raw);
}

Test(exec, after_fork_of_a_program_that_builds_an_enclave)
{
    int status;

    begin();
    status = run("own", "");
    cr_assert_eq(status, 0, "%#x", status);
    end();
}

Test(exec, hands_an_enclave_on_by_its_descriptor)
{
    char where[64];

    begin();
    cr_assert_eq(fcntl(raw.fd, F_SETFD, 0), 0);
    snprintf(where, sizeof where, "%d:%llx", raw.fd, (unsigned long long)raw_address(&raw, 0));
    cr_assert_eq(run("given", where), 0);
    cr_assert_eq(fcntl(raw.fd, F_SETFD, FD_CLOEXEC), 0);
    cr_assert_neq(run("given", where), 0, "it is closed");
    end();
}
