/* SPDX-License-Identifier: Apache-2.0 */
/*
 * void gate_pass(void) - the thread's gate, once
 *
 * No register is free between loading and storing, so everything is found through FS, which EEXIT
 * and asynchronous exits restore. Only moves stand beside ENCLU: they leave the flags alone.
 */
#include "gate.h"

#define AT(offset)  %fs:gate@tpoff+(offset)
#define IN(reg)     AT(GATE_IN+reg)
#define OUT(reg)    AT(GATE_OUT+reg)

#define CLEAN_FLAGS pushq $2; popfq

.macro load_scratch_free        /* all but rax, rcx, rbx, rsp and rbp */
    mov     IN(GATE_RDX), %rdx
    mov     IN(GATE_RSI), %rsi
    mov     IN(GATE_RDI), %rdi
    mov     IN(GATE_R8), %r8
    mov     IN(GATE_R9), %r9
    mov     IN(GATE_R10), %r10
    mov     IN(GATE_R11), %r11
    mov     IN(GATE_R12), %r12
    mov     IN(GATE_R13), %r13
    mov     IN(GATE_R14), %r14
    mov     IN(GATE_R15), %r15
.endm

.macro store_all
    mov     %rax, OUT(GATE_RAX)
    mov     %rcx, OUT(GATE_RCX)
    mov     %rdx, OUT(GATE_RDX)
    mov     %rbx, OUT(GATE_RBX)
    mov     %rbp, OUT(GATE_RBP)
    mov     %rsi, OUT(GATE_RSI)
    mov     %rdi, OUT(GATE_RDI)
    mov     %r8, OUT(GATE_R8)
    mov     %r9, OUT(GATE_R9)
    mov     %r10, OUT(GATE_R10)
    mov     %r11, OUT(GATE_R11)
    mov     %r12, OUT(GATE_R12)
    mov     %r13, OUT(GATE_R13)
    mov     %r14, OUT(GATE_R14)
    mov     %r15, OUT(GATE_R15)
.endm

.macro store_vectors            /* destroys rax, rcx and rdx */
    mov     %fs:0, %rcx
    lea     gate@tpoff(%rcx), %rcx
    mov     GATE_MASK(%rcx), %eax
    xor     %edx, %edx
    xsave64 GATE_OUT_X(%rcx)
.endm

    .text
    .globl gate_pass
    .type gate_pass, @function
gate_pass:
    push    %rbx
    push    %rbp
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    sub     $8, %rsp
    stmxcsr (%rsp)
    fnstcw  4(%rsp)
    mov     %rsp, AT(GATE_HOST_RSP)

    mov     %fs:0, %rcx
    lea     gate@tpoff(%rcx), %rcx
    mov     GATE_MASK(%rcx), %eax
    xor     %edx, %edx
    xrstor64 GATE_IN_X(%rcx)
    cmpq    $0, AT(GATE_ENTER)
    jne     .Lcall

    pushq   IN(GATE_RFLAGS)
    popfq
    load_scratch_free
    mov     IN(GATE_RAX), %rax
    mov     IN(GATE_RCX), %rcx
    mov     IN(GATE_RBX), %rbx
    mov     IN(GATE_RBP), %rbp
    mov     IN(GATE_RSP), %rsp
    .globl gate_enclu, gate_aep
gate_enclu:
    .byte   0x0f, 0x01, 0xd7
    jmp     .Lstore
gate_aep:
    movq    $GATE_AEX, AT(GATE_HOW)
.Lstore:
    store_all
    mov     %rsp, OUT(GATE_RSP)
    mov     AT(GATE_HOST_RSP), %rsp
    pushfq
    popq    OUT(GATE_RFLAGS)
    CLEAN_FLAGS
    store_vectors
    jmp     .Lback

.Lcall:
    mov     AT(GATE_STACK), %rsp
    pushq   $0
    pushq   AT(GATE_RUN)        # the seventh argument
    pushq   IN(GATE_RFLAGS)
    popfq
    load_scratch_free
    mov     IN(GATE_RCX), %rcx
    call    *AT(GATE_ENTER)
    mov     AT(GATE_HOST_RSP), %rsp
    CLEAN_FLAGS
    movslq  %eax, %rax
    mov     %rax, AT(GATE_RESULT)

.Lback:
    fninit
    fldcw   4(%rsp)
    ldmxcsr (%rsp)
    add     $8, %rsp
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbp
    pop     %rbx
    ret
    .size gate_pass, . - gate_pass

/* int gate_note(rdi, rsi, rdx, rsp, r8, r9, run): a handler for enter_enclave. */
    .globl gate_note
    .type gate_note, @function
gate_note:
    store_all
    mov     %rcx, OUT(GATE_RSP)
    store_vectors
    xor     %eax, %eax
    ret
    .size gate_note, . - gate_note

    .section .note.GNU-stack, "", @progbits
