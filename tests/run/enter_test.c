/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "model.h"
#include "raw.h"

static struct raw raw;

static void open_raw(void)
{
    raw_open(&raw);
}

static void close_raw(void)
{
    raw_close(&raw);
}

TestSuite(enter, .init = open_raw, .fini = close_raw);

Test(enter, costs_no_trap_and_leaving_costs_one)
{
    struct sgx2_counters before, after;

    raw_do(&raw, 0, (struct op){.op = OP_NOP});
    before = raw_counters(&raw);
    for (int i = 0; i < 10; i++)
        raw_do(&raw, 0, (struct op){.op = OP_NOP});
    after = raw_counters(&raw);

    cr_assert_eq(after.traps - before.traps, 10);
    cr_assert_eq(after.enclu[SGX_EENTER] - before.enclu[SGX_EENTER], 10);
    cr_assert_eq(after.eexit - before.eexit, 10);
    cr_assert_eq(after.aex, before.aex);
    cr_assert_eq(after.host_mprotects, before.host_mprotects);
}

Test(enter, passes_cssa_zero_and_the_bases_of_the_tcs)
{
    struct op op = raw_do(&raw, 0, (struct op){.op = OP_NOP});

    cr_assert_eq(op.ret2, 0);
    op = raw_do(&raw, 0, (struct op){.op = OP_BASES});
    cr_assert_eq(op.ret, raw_address(&raw, RAW_DATA));
    cr_assert_eq(op.ret2, raw_address(&raw, RAW_OPERAND));
}

Test(enter, brings_the_hosts_thread_local_storage_back)
{
    static __thread int mine = 42;

    raw_do(&raw, 0, (struct op){.op = OP_NOP});
    cr_assert_eq(mine, 42);
    errno = 7;
    raw_do(&raw, 3, (struct op){.op = OP_NOP});
    cr_assert_eq(errno, 7);
}

Test(enter, refuses_a_reserved_byte_that_is_not_zero)
{
    struct op op = {.op = OP_NOP};

    raw.run = (struct sgx_enclave_run){.tcs = raw_address(&raw, 0)};
    raw.run.reserved[215] = 1;
    cr_assert_eq(raw_enter(&op, SGX_EENTER, &raw.run), -EINVAL);
}

Test(enter, refuses_a_function_that_does_not_enter)
{
    struct op op = {.op = OP_NOP};

    cr_assert_eq(raw_call(&raw, 0, SGX_EEXIT, &op), -EINVAL);
    cr_assert_eq(raw_call(&raw, 0, SGX_EGETKEY, &op), -EINVAL);
}

Test(enter, of_a_page_that_is_no_tcs_is_a_page_fault)
{
    struct op op = {.op = OP_NOP};

    cr_assert_eq(raw_call(&raw, 6, SGX_EENTER, &op), 0);
    cr_assert_eq(raw.run.function, SGX_EENTER);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_PF);
    cr_assert(raw.run.exception_error_code & SGX_PFEC_SGX);
    cr_assert_eq(raw.run.exception_addr, raw_address(&raw, RAW_DATA));
}

Test(enter, of_a_misaligned_address_is_a_general_protection_fault)
{
    struct op op = {.op = OP_NOP};

    raw.run = (struct sgx_enclave_run){.tcs = raw_address(&raw, 8)};
    cr_assert_eq(raw_enter(&op, SGX_EENTER, &raw.run), 0);
    cr_assert_eq(raw.run.function, SGX_EENTER);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_GP);
}

Test(enter, of_ordinary_memory_is_a_page_fault)
{
    static uint8_t page[4096] __attribute__((aligned(4096)));
    struct op op = {.op = OP_NOP};

    raw.run = (struct sgx_enclave_run){.tcs = (uint64_t)(uintptr_t)page};
    cr_assert_eq(raw_enter(&op, SGX_EENTER, &raw.run), 0);
    cr_assert_eq(raw.run.function, SGX_EENTER);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_PF);
}

Test(enter, resume_without_an_exit_before_is_a_general_protection_fault)
{
    struct op op = {.op = OP_NOP};

    cr_assert_eq(raw_call(&raw, 0, SGX_ERESUME, &op), 0);
    cr_assert_eq(raw.run.function, SGX_ERESUME);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_GP);
}

/* A handler sees what the enclave left in RDI and may enter again. */
static int handler_calls;

static int again_once(long rdi, long rsi, long rdx, long ursp, long r8, long r9,
                      struct sgx_enclave_run *run)
{
    (void)rsi, (void)rdx, (void)ursp, (void)r8, (void)r9;
    cr_assert_neq(rdi, 0);
    cr_assert_eq(run->function, SGX_EEXIT);
    return handler_calls++ == 0 ? -77 : 0;
}

Test(enter, returns_what_the_user_handler_returns)
{
    struct op op = {.op = OP_NOP};

    handler_calls = 0;
    raw.run = (struct sgx_enclave_run){
        .tcs = raw_address(&raw, 0),
        .user_handler = (uint64_t)(uintptr_t)again_once,
    };
    cr_assert_eq(raw_enter(&op, SGX_EENTER, &raw.run), -77);
    cr_assert_eq(raw_enter(&op, SGX_EENTER, &raw.run), 0);
    cr_assert_eq(handler_calls, 2);
}

/* Four threads over three doors, each with its own stack for signals. */
struct worker {
    unsigned tcs;
    unsigned busy, done;
};

static void *work(void *arg)
{
    struct worker *worker = arg;
    struct sgx_enclave_run run;

    for (int i = 0; i < 2000; i++) {
        struct op op = {.op = OP_LOAD, .a = raw_address(&raw, RAW_DATA), .ret = 9};

        run = (struct sgx_enclave_run){.tcs = raw_address(&raw, worker->tcs * SGX_PAGE_SIZE)};
        if (raw_enter(&op, SGX_EENTER, &run) != 0)
            return NULL;
        if (run.function == SGX_EEXIT && op.ret == 0)
            worker->done++;
        else if (run.function == SGX_EENTER && run.exception_vector == SGX_VECTOR_GP)
            worker->busy++;
    }
    return NULL;
}

Test(enter, works_from_several_threads_and_one_tcs_takes_one_at_a_time)
{
    struct worker workers[4] = {{.tcs = 0}, {.tcs = 3}, {.tcs = 9}, {.tcs = 9}};
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, work, &workers[i]);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(workers[i].done + workers[i].busy, 2000);
    cr_assert_eq(workers[0].done, 2000);
    cr_assert_eq(workers[1].done, 2000);
    cr_assert_gt(workers[2].done + workers[3].done, 0);
}
