/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unwinding out of a handler of the vDSO's, through sgx2_enter_enclave() and the ENCLU.
 */
#include <criterion/criterion.h>
#include <execinfo.h>

#include "model.h"
#include "raw.h"

int unwind_caller(struct op *op, struct sgx_enclave_run *run);
extern const char unwind_after[];

/* The enclave of blob.S keeps RBX, RBP and RSP: the others are saved here, for unwinders too. */
__asm__(".text\n"
        "unwind_caller:\n"
        "    .cfi_startproc\n"
        "    push %r12; .cfi_adjust_cfa_offset 8; .cfi_rel_offset %r12, 0\n"
        "    push %r13; .cfi_adjust_cfa_offset 8; .cfi_rel_offset %r13, 0\n"
        "    push %r14; .cfi_adjust_cfa_offset 8; .cfi_rel_offset %r14, 0\n"
        "    push %r15; .cfi_adjust_cfa_offset 8; .cfi_rel_offset %r15, 0\n"
        "    push %rsi; .cfi_adjust_cfa_offset 8\n"
        "    mov  $2, %ecx\n"
        "    call sgx2_enter_enclave\n"
        "unwind_after:\n"
        "    pop  %rsi; .cfi_adjust_cfa_offset -8\n"
        "    pop  %r15; .cfi_adjust_cfa_offset -8\n"
        "    pop  %r14; .cfi_adjust_cfa_offset -8\n"
        "    pop  %r13; .cfi_adjust_cfa_offset -8\n"
        "    pop  %r12; .cfi_adjust_cfa_offset -8\n"
        "    ret\n"
        "    .cfi_endproc\n");

static struct raw raw;
static void *frames[64];
static int depth;

static int handler(long rdi, long rsi, long rdx, long ursp, long r8, long r9,
                   struct sgx_enclave_run *run)
{
    (void)rdi, (void)rsi, (void)rdx, (void)ursp, (void)r8, (void)r9, (void)run;
    depth = backtrace(frames, 64);
    return 0;
}

static __attribute__((noinline)) int outermost(struct op *op, struct sgx_enclave_run *run)
{
    volatile int r = unwind_caller(op, run); /* no tail call */

    return r;
}

static int find(const void *from, size_t size)
{
    for (int i = 0; i < depth; i++)
        if ((uintptr_t)frames[i] - (uintptr_t)from < size)
            return i;
    return -1;
}

static void unwind(uint64_t op_number)
{
    struct op op = {.op = op_number};
    struct sgx_enclave_run run = {.tcs = raw_address(&raw, 0),
                                  .user_handler = (uint64_t)(uintptr_t)handler};
    int caller;

    depth = 0;
    cr_assert_eq(outermost(&op, &run), 0);
    caller = find(unwind_after, 1);
    cr_assert_gt(caller, 0, "the return address of sgx2_enter_enclave() was not found");
    cr_assert((uintptr_t)frames[caller + 1] - (uintptr_t)outermost < 200, "nor its caller's");
    cr_assert_gt(depth, caller + 3, "nor what was before");
}

Test(unwind, from_a_handler_after_eexit)
{
    raw_open(&raw);
    unwind(OP_NOP);
    raw_close(&raw);
}

Test(unwind, from_a_handler_after_an_exception)
{
    raw_open(&raw);
    unwind(OP_UD2);
    raw_close(&raw);
}
