/* SPDX-License-Identifier: Apache-2.0 */
#include "enter.h"

/*
 * int enter_pass(struct passage *passage, struct sgx_enclave_run *run, enter_enclave *)
 *
 * enter_enclave keeps RBX, RBP and RSP. What else C expects back is kept here:
 *
 *   rbp - 8 .. - 40   RBX, R12, R13, R14, R15
 *   rbp - 44          MXCSR
 *   rbp - 48          x87 control word
 *   rsp + 0           run: the seventh argument of enter_enclave
 */
    .text
    .globl enter_pass
    .type enter_pass, @function
enter_pass:
    .cfi_startproc
    endbr64
    pushq %rbp
    .cfi_def_cfa_offset 16
    .cfi_offset %rbp, -16
    movq %rsp, %rbp
    .cfi_def_cfa_register %rbp
    pushq %rbx
    .cfi_offset %rbx, -24
    pushq %r12
    .cfi_offset %r12, -32
    pushq %r13
    .cfi_offset %r13, -40
    pushq %r14
    .cfi_offset %r14, -48
    pushq %r15
    .cfi_offset %r15, -56
    subq $24, %rsp              # rbp - 64: a multiple of 16, as a call wants it
    stmxcsr -44(%rbp)
    fnstcw -48(%rbp)
    movq %rsi, (%rsp)
    movq %rdx, %rax
    movq %rdi, %r10
    movq PASSAGE_RDI(%r10), %rdi
    movq PASSAGE_RSI(%r10), %rsi
    movq PASSAGE_RDX(%r10), %rdx
    movl PASSAGE_FUNCTION(%r10), %ecx
    movq PASSAGE_R8(%r10), %r8
    xorl %r9d, %r9d
    call *%rax
    cld
    fninit                      # an x87 exception left pending must not surface in the host
    fldcw -48(%rbp)
    ldmxcsr -44(%rbp)
    movq -40(%rbp), %r15
    movq -32(%rbp), %r14
    movq -24(%rbp), %r13
    movq -16(%rbp), %r12
    movq -8(%rbp), %rbx
    leave
    .cfi_def_cfa %rsp, 8
    ret
    .cfi_endproc
    .size enter_pass, . - enter_pass

/*
 * int enter_note_exit(rdi, rsi, rdx, rsp, r8, r9, run): called by enter_enclave, run on the stack.
 * After an exception the three are something else, and are noted in vain.
 */
    .globl enter_note_exit
    .type enter_note_exit, @function
enter_note_exit:
    .cfi_startproc
    endbr64
    movq 8(%rsp), %rax
    movq RUN_USER_DATA(%rax), %rax
    movq %rdi, PASSAGE_EXIT_RDI(%rax)
    movq %rsi, PASSAGE_EXIT_RSI(%rax)
    movq %rdx, PASSAGE_EXIT_RDX(%rax)
    xorl %eax, %eax
    ret
    .cfi_endproc
    .size enter_note_exit, . - enter_note_exit

    .section .note.GNU-stack, "", @progbits
