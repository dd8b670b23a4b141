/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>

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

TestSuite(trap, .init = open_raw, .fini = close_raw);

static void expect_exception(struct op *op, unsigned vector, unsigned error, uint64_t address)
{
    cr_assert_eq(raw_call(&raw, 0, SGX_EENTER, op), 0);
    cr_assert_eq(raw.run.function, SGX_ERESUME, "function %u", raw.run.function);
    cr_assert_eq(raw.run.exception_vector, vector, "vector %u", raw.run.exception_vector);
    cr_assert_eq(raw.run.exception_error_code, error, "error %#x", raw.run.exception_error_code);
    cr_assert_eq(raw.run.exception_addr, address, "address %#llx",
                 (unsigned long long)raw.run.exception_addr);
}

/* What the SSA frame of TCS 0 says, read by the enclave itself through TCS 1. */
static uint64_t ssa(unsigned frame, uint64_t at)
{
    return raw_do(
               &raw, 3,
               (struct op){.op = OP_LOAD, .a = raw_address(&raw, (1 + frame) * SGX_PAGE_SIZE + at)})
        .ret;
}

#define GPRSGX_AT (SGX_PAGE_SIZE - sizeof(struct sgx_gprsgx))

static uint32_t exitinfo(void)
{
    return (uint32_t)ssa(0, GPRSGX_AT + offsetof(struct sgx_gprsgx, exitinfo));
}

Test(trap, ud2_is_invalid_opcode)
{
    struct op op = {.op = OP_UD2};

    expect_exception(&op, SGX_VECTOR_UD, 0, 0);
    cr_assert_eq(exitinfo(), SGX_EXITINFO_VALID | SGX_EXIT_HARDWARE << 8 | SGX_VECTOR_UD);
}

/* Instructions that an application may execute, or that raise #GP there, are #UD in an enclave. */
Test(trap, instructions_that_an_enclave_must_not_use_are_invalid_opcodes)
{
    static const enum raw_op ops[] = {OP_SYSCALL, OP_INT80, OP_INT3, OP_IN, OP_INT21};

    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        struct op op = {.op = ops[i]};
        uint64_t rip;

        expect_exception(&op, SGX_VECTOR_UD, 0, 0);
        cr_assert_eq(SGX_EXITINFO_VECTOR(exitinfo()), SGX_VECTOR_UD);
        rip = ssa(0, GPRSGX_AT + offsetof(struct sgx_gprsgx, rip));
        cr_assert(rip > raw_address(&raw, RAW_CODE) && rip < raw_address(&raw, RAW_DATA));
        /* The context stands at the instruction itself: a fault, not a trap. */
        cr_assert_neq(((uint8_t *)raw.base)[0], 0x90);
        raw_close(&raw);
        raw_open(&raw);
    }
}

Test(trap, privileged_instructions_are_general_protection_faults)
{
    struct op op = {.op = OP_HLT};

    expect_exception(&op, SGX_VECTOR_GP, 0, 0);
}

Test(trap, division_by_zero_is_a_divide_error)
{
    struct op op = {.op = OP_DIVIDE};

    expect_exception(&op, SGX_VECTOR_DE, 0, 0);
    cr_assert_eq(SGX_EXITINFO_VECTOR(exitinfo()), SGX_VECTOR_DE);
    cr_assert(exitinfo() & SGX_EXITINFO_VALID);
}

Test(trap, an_unmasked_sse_exception_is_reported)
{
    struct op op = {.op = OP_SSE, .a = 0x1d80}; /* ZM clear */

    expect_exception(&op, SGX_VECTOR_XM, 0, 0);
}

Test(trap, a_non_canonical_address_is_a_general_protection_fault_with_exinfo)
{
    struct op op = {.op = OP_NONCANONICAL};

    expect_exception(&op, SGX_VECTOR_GP, 0, 0);
    cr_assert_eq(exitinfo(), SGX_EXITINFO_VALID | SGX_EXIT_HARDWARE << 8 | SGX_VECTOR_GP);
}

Test(trap, the_host_sees_the_page_and_the_enclave_the_address_of_a_page_fault)
{
    const uint64_t where = raw_address(&raw, RAW_FREE) + 0x123;
    struct op op = {.op = OP_LOAD, .a = where};

    /* No mapping there at all. */
    expect_exception(&op, SGX_VECTOR_PF, SGX_PFEC_U, where & SGX_PAGE_MASK);
    cr_assert_eq(ssa(0, GPRSGX_AT - sizeof(struct sgx_exinfo)), where);
    cr_assert_eq((uint32_t)ssa(0, GPRSGX_AT - sizeof(struct sgx_exinfo) + 8), SGX_PFEC_U);
}

Test(trap, a_fault_on_host_memory_has_the_hosts_error_code)
{
    void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct op op = {.op = OP_STORE, .a = (uint64_t)(uintptr_t)page};

    expect_exception(&op, SGX_VECTOR_PF,
                     raw.run.exception_error_code | SGX_PFEC_U | SGX_PFEC_W | (op.a ? 0 : 1), op.a);
    munmap(page, 4096);
}

Test(trap, leaves_the_synthetic_state_to_the_host)
{
    struct op op = {.op = OP_UD2};
    struct sgx_enclave_run run = {.tcs = raw_address(&raw, 0)};
    unsigned mxcsr;

    cr_assert_eq(raw_enter(&op, SGX_EENTER, &run), 0);
    __asm__("stmxcsr %0" : "=m"(mxcsr));
    cr_assert_eq(mxcsr, 0x1fb0);
    __asm__("ldmxcsr %0" : : "m"((unsigned){0x1f80}));
}

/* Every register of the enclave comes through an exception and ERESUME. */
Test(trap, resume_restores_general_and_vector_registers_and_flags)
{
    const uint64_t page = raw_address(&raw, RAW_DATA);
    struct op op = {.op = OP_REGISTERS, .a = page};

    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = page, .b = 5});
    cr_assert_eq(sgx2_mprotect(raw.base + RAW_DATA, SGX_PAGE_SIZE, PROT_READ), 0);
    expect_exception(&op, SGX_VECTOR_PF, SGX_PFEC_P | SGX_PFEC_W | SGX_PFEC_U, page);
    cr_assert_eq(sgx2_mprotect(raw.base + RAW_DATA, SGX_PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
    cr_assert_eq(raw_call(&raw, 0, SGX_ERESUME, &op), 0);
    cr_assert_eq(raw.run.function, SGX_EEXIT);
    cr_assert_eq(op.ret, 1);
}

/* A fault that Linux settles is an exit and a resume that the enclave does not notice. */
Test(trap, a_first_touch_costs_one_exit_and_nothing_else)
{
    const uint64_t page = raw_address(&raw, RAW_DATA) + SGX_PAGE_SIZE;
    struct sgx2_counters before, after;
    struct op op;

    raw_do(&raw, 0, (struct op){.op = OP_NOP});
    before = raw_counters(&raw);
    op = raw_do(&raw, 0, (struct op){.op = OP_REGISTERS, .a = page});
    after = raw_counters(&raw);
    cr_assert_eq(op.ret, 1);
    cr_assert_eq(after.aex - before.aex, 1);
    cr_assert_eq(after.enclu[SGX_ERESUME] - before.enclu[SGX_ERESUME], 1);
    cr_assert_eq(after.page_faults - before.page_faults, 1);
    cr_assert_eq(after.exceptions, before.exceptions);
    cr_assert_eq(after.traps - before.traps, 2); /* the fault and EEXIT */
}

Test(trap, an_exception_leaves_room_for_a_second_entry_if_the_tcs_has_a_frame)
{
    struct op op = {.op = OP_UD2}, second = {.op = OP_NOP};

    expect_exception(&op, SGX_VECTOR_UD, 0, 0);
    cr_assert_eq(raw_call(&raw, 0, SGX_EENTER, &second), 0);
    cr_assert_eq(raw.run.function, SGX_EEXIT);
    cr_assert_eq(second.ret2, 1, "CSSA is passed in RAX");
}

Test(trap, an_exception_with_no_frame_left_refuses_entry)
{
    struct op op = {.op = OP_UD2};

    cr_assert_eq(raw_call(&raw, 3, SGX_EENTER, &op), 0);
    cr_assert_eq(raw.run.function, SGX_ERESUME);
    cr_assert_eq(raw_call(&raw, 3, SGX_EENTER, &op), 0);
    cr_assert_eq(raw.run.function, SGX_EENTER);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_GP);
}

Test(trap, the_host_reads_ones_from_a_page_that_the_epcm_withholds_and_its_writes_vanish)
{
    volatile uint64_t *page = (volatile uint64_t *)(raw.base + RAW_FREE);

    cr_assert_eq(sgx2_mmap(raw.base + RAW_FREE, SGX_PAGE_SIZE, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_FIXED, raw.fd, 0),
                 (intptr_t)page);
    cr_assert_eq(*page, UINT64_MAX);
    *page = 1;
    cr_assert_eq(*page, UINT64_MAX);
    cr_assert_eq(*(volatile uint8_t *)page, 0xff);
    cr_assert_eq(raw_counters(&raw).eaug_faults, 1);
    cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPT, 0x20b, raw.base + RAW_FREE, NULL), 0);
    cr_assert_eq(raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = raw_address(&raw, RAW_FREE)}).ret,
                 0, "the host's write never arrived");
}

/* A kernel may take control at any instruction, and need not give it back. */
Test(trap, an_interrupt_after_n_instructions_leaves_a_context_that_resumes)
{
    for (uint64_t n = 1; n < 12; n++) {
        struct sgx2_hostile act = {.act = SGX2_HOSTILE_INTERRUPT, .value = n, .vector = 6};
        struct op op = {.op = OP_LOAD, .a = raw_address(&raw, RAW_DATA), .ret = 5};

        cr_assert_eq(sgx2_ioctl(raw.fd, SGX2_MODEL_HOSTILE, &act), 0);
        cr_assert_eq(raw_call(&raw, 0, SGX_EENTER, &op), 0);
        cr_assert_eq(raw.run.function, SGX_ERESUME, "n = %d", (int)n);
        cr_assert_eq(raw.run.exception_vector, 6, "the kernel says what it likes");
        cr_assert_eq(exitinfo(), 0, "the processor does not");
        cr_assert_eq(raw_call(&raw, 0, SGX_ERESUME, &op), 0);
        cr_assert_eq(raw.run.function, SGX_EEXIT);
        cr_assert_eq(op.ret, 0);
    }
}

Test(trap, edeccssa_gives_the_frame_of_the_interrupted_context_up)
{
    struct op op = {.op = OP_UD2}, drop = {.op = OP_ENCLU, .a = SGX_EDECCSSA};

    expect_exception(&op, SGX_VECTOR_UD, 0, 0);
    cr_assert_eq(raw_call(&raw, 0, SGX_EENTER, &drop), 0);
    cr_assert_eq(raw.run.function, SGX_EEXIT);
    cr_assert_eq(raw_do(&raw, 0, (struct op){.op = OP_NOP}).ret2, 0, "CSSA is 0 again");
    cr_assert_eq(raw_call(&raw, 0, SGX_ERESUME, &op), 0);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_GP, "nothing is left to resume");
}

Test(trap, edeccssa_without_an_interrupted_context_is_a_general_protection_fault)
{
    struct op op = {.op = OP_ENCLU, .a = SGX_EDECCSSA};

    expect_exception(&op, SGX_VECTOR_GP, 0, 0);
}
