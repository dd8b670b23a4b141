/* SPDX-License-Identifier: Apache-2.0 */
#include "enter.h"

#include <criterion/criterion.h>
#include <stdint.h>

/*
 * An enclave that keeps what the vDSO keeps, RBX, RBP and RSP, and spoils all else: R12-R15, MXCSR,
 * the x87 control word and stack, a pending x87 exception, DF.
 */
os_enter_enclave spoil_everything;
__asm__(".text\n"
        ".globl spoil_everything\n"
        "spoil_everything:\n"
        "    movq $-1, %r12\n"
        "    movq $-1, %r13\n"
        "    movq $-1, %r14\n"
        "    movq $-1, %r15\n"
        "    pushq $0x5f80\n" /* MXCSR: round up, all masked */
        "    ldmxcsr (%rsp)\n"
        "    fldz\n"
        "    fld1\n"
        "    fdiv %st(1), %st\n"     /* raises ZE, masked yet */
        "    movw $0x0f40, (%rsp)\n" /* truncate, nothing masked: ZE is pending now */
        "    fldcw (%rsp)\n"
        "    addq $8, %rsp\n"
        "    std\n"
        "    xorl %eax, %eax\n"
        "    ret\n");

/* Calls enter_pass() with known values in R12-R15; says which came back, one bit each. */
static unsigned kept_registers(struct passage *p, struct sgx_enclave_run *run)
{
    uint64_t kept = 0;

    __asm__ volatile("movq $0x1212, %%r12\n"
                     "movq $0x1313, %%r13\n"
                     "movq $0x1414, %%r14\n"
                     "movq $0x1515, %%r15\n"
                     "movq %%rsp, %%rbx\n"
                     "subq $256, %%rsp\n" /* off the red zone */
                     "andq $-16, %%rsp\n"
                     "call enter_pass\n"
                     "movq %%rbx, %%rsp\n"
                     "xorl %%eax, %%eax\n"
                     "cmpq $0x1212, %%r12\n"
                     "jne 1f\n"
                     "orl $1, %%eax\n"
                     "1: cmpq $0x1313, %%r13\n"
                     "jne 1f\n"
                     "orl $2, %%eax\n"
                     "1: cmpq $0x1414, %%r14\n"
                     "jne 1f\n"
                     "orl $4, %%eax\n"
                     "1: cmpq $0x1515, %%r15\n"
                     "jne 1f\n"
                     "orl $8, %%eax\n"
                     "1:\n"
                     : "=a"(kept), "+D"(p), "+S"(run)
                     : "d"(spoil_everything)
                     : "rcx", "rbx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory",
                       "cc");
    return (unsigned)kept;
}

static void set_controls(uint32_t mxcsr, uint16_t x87)
{
    __asm__ volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(mxcsr), "m"(x87));
}

static void get_controls(uint32_t *ret_mxcsr, uint16_t *ret_x87)
{
    __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(*ret_mxcsr), "=m"(*ret_x87));
}

Test(enter, what_the_vdso_does_not_restore_is_restored)
{
    struct passage p = {.function = 2};
    struct sgx_enclave_run run = {0};

    cr_assert_eq(kept_registers(&p, &run), 0xf);
}

Test(enter, the_floating_point_controls_are_the_callers_again)
{
    struct passage p = {.function = 2};
    struct sgx_enclave_run run = {0};
    uint32_t mxcsr;
    uint16_t x87, tags[14];
    uint64_t flags;

    set_controls(0x3f80, 0x0a7f); /* round down, double precision: not the defaults */
    enter_pass(&p, &run, spoil_everything);
    get_controls(&mxcsr, &x87);
    __asm__ volatile("fnstenv %0\n\tfldcw %1" : "=m"(tags) : "m"(x87));
    __asm__ volatile("pushfq\n\tpopq %0" : "=r"(flags));
    set_controls(0x1f80, 0x037f);
    cr_assert_eq(mxcsr & 0xffc0, 0x3f80);
    cr_assert_eq(x87, 0x0a7f);
    cr_assert_eq(tags[4], 0xffff, "the x87 stack is empty");
    cr_assert_eq(tags[2] & 0x3f, 0, "and nothing is pending");
    cr_assert_eq(flags & 0x400, 0, "DF is clear");
}

static struct passage seen;
static struct sgx_enclave_run *seen_run;
static uintptr_t seen_alignment;

static int observe(unsigned long rdi, unsigned long rsi, unsigned long rdx, unsigned int function,
                   unsigned long r8, unsigned long r9, struct sgx_enclave_run *run)
{
    seen = (struct passage){.rdi = rdi, .rsi = rsi, .rdx = rdx, .r8 = r8, .function = function};
    seen_run = run;
    seen_alignment = (uintptr_t)__builtin_frame_address(0) % 16;
    return r9 ? 99 : -22;
}

Test(enter, arguments_and_result_pass_unchanged_on_an_aligned_stack)
{
    struct passage p = {.rdi = UINT64_MAX, .rsi = 2, .rdx = 3, .r8 = 4, .function = 3};
    struct sgx_enclave_run run = {0};

    cr_assert_eq(enter_pass(&p, &run, observe), -22);
    cr_assert_eq(seen.rdi, UINT64_MAX);
    cr_assert_eq(seen.rsi, 2);
    cr_assert_eq(seen.rdx, 3);
    cr_assert_eq(seen.r8, 4);
    cr_assert_eq(seen.function, 3);
    cr_assert_eq(seen_run, &run);
    cr_assert_eq(seen_alignment, 0);
}

Test(enter, the_handler_notes_the_registers_and_ends_the_call)
{
    struct passage p = {.rdi = 7};
    struct sgx_enclave_run run = {.user_data = (uintptr_t)&p};

    cr_assert_eq(enter_note_exit(11, 22, -33, 44, 55, 66, &run), 0);
    cr_assert_eq(p.exit_rdi, 11);
    cr_assert_eq(p.exit_rsi, 22);
    cr_assert_eq(p.exit_rdx, (uint64_t)-33);
    cr_assert_eq(p.rdi, 7);
}
