/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>

#include "model.h"
#include "raw.h"

static struct raw raw;
static volatile uint64_t stop;

static void *spin(void *arg)
{
    struct op *op = arg;
    struct sgx_enclave_run run = {.tcs = raw_address(&raw, 3 * SGX_PAGE_SIZE)};

    raw_enter(op, SGX_EENTER, &run);
    return NULL;
}

/* An SGX2 ioctl forces out whoever is inside, so that a later EACCEPT is tracked. */
Test(kick, a_thread_that_stays_inside_leaves_once_for_each_page)
{
    struct op op = {.op = OP_SPIN, .a = (uint64_t)(uintptr_t)&stop};
    struct sgx_enclave_restrict_permissions restricted;
    struct sgx2_counters before, after;
    pthread_t thread;

    raw_open(&raw);
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = raw_address(&raw, RAW_DATA), .b = 1});
    before = raw_counters(&raw);
    stop = 0;
    pthread_create(&thread, NULL, spin, &op);
    while (raw_counters(&raw).enclu[SGX_EENTER] == before.enclu[SGX_EENTER])
        sched_yield();

    cr_assert_eq(raw_restrict(&raw, RAW_DATA, 2 * SGX_PAGE_SIZE, SGX_SECINFO_R, &restricted), 0);
    cr_assert_eq(restricted.count, 2 * SGX_PAGE_SIZE);
    after = raw_counters(&raw);
    cr_assert_eq(after.encls[SGX_ETRACK] - before.encls[SGX_ETRACK], 2);
    cr_assert_geq(after.ipis, 2);
    cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPT, SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_PR,
                          raw.base + RAW_DATA, NULL),
                 SGX_OK);
    stop = 1;
    pthread_join(thread, NULL);
    cr_assert_gt(op.ret, 0, "the thread went on where it was");
    raw_close(&raw);
}
