/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "misrule.h"
#include "model.h"
#include "raw.h"

#define PAGE      SGX_PAGE_SIZE
#define CODE_END  (RAW_CODE + PAGE - 1)
#define RULE_TF   0x100
#define GPRSGX_AT (PAGE - sizeof(struct sgx_gprsgx))

static struct raw raw;

static void open_raw(void)
{
    raw_open(&raw);
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = raw_address(&raw, RAW_DATA)});
    raw_do(&raw, 3, (struct op){.op = OP_STORE, .a = raw_address(&raw, RAW_OPERAND)});
}

static void close_raw(void)
{
    raw_close(&raw);
}

TestSuite(step, .init = open_raw, .fini = close_raw, .timeout = 60);

static uint64_t ssa(uint64_t at)
{
    misrule(raw.fd, " ");
    return raw_do(&raw, 3, (struct op){.op = OP_LOAD, .a = raw_address(&raw, PAGE + at)}).ret;
}

static uint64_t saved(size_t at)
{
    return ssa(GPRSGX_AT + at);
}

#define SAVED(field) saved(offsetof(struct sgx_gprsgx, field))

static struct op count_op(uint64_t rounds)
{
    return (struct op){.op = OP_COUNT, .a = raw_address(&raw, RAW_DATA), .n = rounds};
}

/* Asynchronous exits of a passage while the code at first to last is stepped. */
static uint64_t exits(struct op op, uint64_t first, uint64_t last)
{
    struct sgx2_counters before = raw_counters(&raw), after;

    misrule(raw.fd, "on enter do step %#llx-%#llx\n", (unsigned long long)first,
            (unsigned long long)last);
    raw_do(&raw, 0, op);
    after = raw_counters(&raw);
    cr_assert_eq(after.aex - before.aex, after.enclu[SGX_ERESUME] - before.enclu[SGX_ERESUME]);
    cr_assert_eq(after.exceptions, before.exceptions);
    return after.aex - before.aex;
}

/* Each instruction but the last, which leaves by itself. */
Test(step, exits_after_every_instruction)
{
    uint64_t instructions = 0;
    struct op op;

    for (bool interrupted = true; interrupted; instructions++) {
        misrule(raw.fd, "on enter do interrupt %llu return 1\n",
                (unsigned long long)instructions + 1);
        op = count_op(3);
        cr_assert_eq(raw_call(&raw, 0, SGX_EENTER, &op), 0);
        interrupted = raw.run.function == SGX_ERESUME;
        misrule(raw.fd, " ");
        if (interrupted)
            cr_assert_eq(raw_call(&raw, 0, SGX_ERESUME, &op), 0);
    }
    cr_assert_eq(exits(count_op(3), RAW_CODE, CODE_END), instructions - 1);
    cr_assert_eq(exits(count_op(103), RAW_CODE, CODE_END), instructions - 1 + 4 * 100,
                 "the loop has four instructions");
}

Test(step, exits_inside_the_range_only)
{
    const uint64_t all = exits(count_op(5), RAW_CODE, CODE_END);
    uint64_t below = 0, first;

    cr_assert_eq(exits(count_op(5), RAW_DATA, RAW_DATA + PAGE), 0);
    for (first = RAW_CODE; below == 0; first++) /* the first instruction is at the very beginning */
        below = exits(count_op(5), RAW_CODE, first);
    for (uint64_t at = RAW_CODE + 1; at < RAW_CODE + 0x340; at += 37)
        cr_assert_eq(exits(count_op(5), RAW_CODE, at - 1) + exits(count_op(5), at, CODE_END), all,
                     "cut at %#llx", (unsigned long long)at);
}

Test(step, changes_no_result)
{
    const uint64_t fresh = raw_address(&raw, RAW_DATA + PAGE);
    struct op op;

    misrule(raw.fd, "on enter do step %#llx-%#llx\n", (unsigned long long)RAW_CODE,
            (unsigned long long)CODE_END);
    op = raw_do(&raw, 0, (struct op){.op = OP_REGISTERS, .a = fresh}); /* faults on the way */
    cr_assert_eq(op.ret, 1);
    op = raw_do(&raw, 0, (struct op){.op = OP_WITNESS, .a = fresh + 0x800});
    cr_assert_eq(op.ret2 & RULE_TF, 0, "the trap flag is not for the enclave to see");
}

/* ENCLU is an instruction as well, with a fault in it. */
Test(step, goes_through_the_leaves_of_an_enclave)
{
    struct sgx2_counters before, after;
    struct op op = {.op = OP_COMMIT,
                    .b = raw_address(&raw, RAW_OPERAND),
                    .c = raw_address(&raw, RAW_FREE),
                    .n = 3,
                    .ret = 9};

    sgx2_mmap(raw.base + RAW_FREE, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, raw.fd,
              0);
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = op.b, .b = 0x20b});
    before = raw_counters(&raw);
    cr_assert_gt(exits(op, RAW_CODE, CODE_END), 3 * 7);
    after = raw_counters(&raw);
    cr_assert_eq(after.eaug_faults - before.eaug_faults, 3);
    for (unsigned i = 0; i < 3; i++)
        cr_assert_eq(raw_epcm(&raw, RAW_FREE + i * PAGE), 0x203);
}

/* ------------------------------------------------------------------ exact */

static void expect(struct op *op, unsigned vector)
{
    misrule(raw.fd, "on enter do step 0-0\n"); /* an empty range is stepping all the same */
    cr_assert_eq(raw_call(&raw, 0, SGX_EENTER, op), 0);
    cr_assert_eq(raw.run.function, SGX_ERESUME, "it ran");
    cr_assert_eq(raw.run.exception_vector, vector, "vector %u", raw.run.exception_vector);
}

Test(step, finds_cpuid_illegal)
{
    struct op op = {.op = OP_CPUID};

    expect(&op, SGX_VECTOR_UD);
    cr_assert_eq(op.ret, 0);
    cr_assert_eq(SAVED(exitinfo) & 0x800000ff, SGX_EXITINFO_VALID | SGX_VECTOR_UD);
}

Test(step, finds_system_calls_illegal_before_they_touch_a_register)
{
    struct op op = {.op = OP_SYSCALL};

    expect(&op, SGX_VECTOR_UD);
    cr_assert_eq(SAVED(rcx), SAVED(r15), "RCX is what EENTER put there");
    cr_assert_eq(SAVED(rax), 39);
}

Test(step, finds_a_fetch_outside_the_enclave)
{
    static const uint8_t code[] = {0x48, 0xc7, 0x47, 0x28, 1, 0, 0, 0, 0x0f, 0x0b}; /* ret = 1 */
    uint8_t *page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct op op = {.op = OP_JUMP, .a = (uint64_t)(uintptr_t)page};

    memcpy(page, code, sizeof code);
    expect(&op, SGX_VECTOR_GP);
    cr_assert_eq(op.ret, 0, "not one instruction of it ran");
    cr_assert_eq(SAVED(rip), op.a);
    munmap(page, 4096);
}

/* ------------------------------------------------------------------ several threads */

static void *count_in_tcs(void *arg)
{
    struct op op = {.op = OP_COUNT, .n = 300};
    struct sgx_enclave_run run = {.tcs = raw_address(&raw, (uintptr_t)arg * PAGE)};

    op.a = raw_address(&raw, RAW_DATA) + 8 * (uintptr_t)arg;
    raw_enter(&op, SGX_EENTER, &run);
    return (void *)(uintptr_t)op.ret;
}

Test(step, of_one_thread_leaves_the_others_alone)
{
    static const uintptr_t tcs[] = {0, 3, 9};
    struct sgx2_counters before, after;
    pthread_t thread[3];
    uint64_t alone;
    void *ret;

    raw_do(&raw, 9, (struct op){.op = OP_NOP});
    alone = exits(count_op(300), RAW_CODE, CODE_END);
    misrule(raw.fd, "on enter page 0 do step %#llx-%#llx\n", (unsigned long long)RAW_CODE,
            (unsigned long long)CODE_END);
    before = raw_counters(&raw);
    for (unsigned i = 0; i < 3; i++)
        pthread_create(&thread[i], NULL, count_in_tcs, (void *)tcs[i]);
    for (unsigned i = 0; i < 3; i++) {
        pthread_join(thread[i], &ret);
        cr_assert_eq((uintptr_t)ret, 300);
    }
    after = raw_counters(&raw);
    cr_assert_eq(after.aex - before.aex, alone);
}
