/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exception_entry.S - the door at CSSA 1, and the way back into interrupted code
 *
 * Phase one begins at exception_door, on the slot's exception stack: the interrupted code's stack
 * is not touched before exception.c has judged it, and the state that it was changing (ocall
 * frames, memory for ocalls) is not used at all. Only general registers: vectors are the host's
 * here, and those of the interrupted code are safe in SSA[0].
 *
 * Phase two begins at exception_phase_two, after ERESUME, at CSSA 0 on the interrupted stack.
 */
#include "asm.h"

    CRITICAL

/*
 * rax = CSSA (not 0), rbx = TCS, rcx = return address; rsp, rbp and the rest are the host's. DF is
 * clear already.
 *
 * One exception stack a slot is enough: CSSA is 1 here, and an exit during phase one makes it 2,
 * which is refused before anything is touched.
 */
FUNC(exception_door)
    cmp     $1, %rax
    jne     .Lrefuse_deep

    mov     ap_layout+LAYOUT_TD_FROM_TCS(%rip), %r10
    add     %rbx, %r10              # r10 = thread data
    mov     ap_layout+LAYOUT_TD_PAGES(%rip), %r11
    shl     $12, %r11
    add     %r10, %r11              # r11 = upper end of the exception stack

    /*
     * Where this entry came from stays on this stack. The thread data keeps what belongs to the
     * interrupted entry, which has yet to leave.
     */
    mov     %rsp, -8(%r11)
    mov     %rbp, -16(%r11)
    mov     %rcx, -24(%r11)
    lea     -32(%r11), %rsp         # a multiple of 16
    pushq   $CLEAN_FLAGS
    popfq

    mov     %rbx, %rdi
    mov     %r10, %rsi
    xor     %ebp, %ebp
    /* sgx_status_t exception_phase_one(uintptr_t tcs, struct thread_data *td) */
    call    exception_phase_one

    mov     %eax, %esi
    mov     $AP_EXIT_EXCEPTION, %edi
    xor     %ecx, %ecx
    xor     %edx, %edx
    xor     %r8d, %r8d
    xor     %r9d, %r9d
    xor     %r10d, %r10d
    xor     %r11d, %r11d
    xor     %r12d, %r12d
    xor     %r13d, %r13d
    xor     %r14d, %r14d
    xor     %r15d, %r15d
    pushq   $CLEAN_FLAGS            # then only moves: flags stay as they are
    popfq
    mov     8(%rsp), %rbx
    mov     16(%rsp), %rbp
    mov     24(%rsp), %rsp
    mov     $SGX_EEXIT, %eax
    ENCLU
    ud2

    /* CSSA 2 or more: phase one itself was interrupted, and its stack is alive. Touch nothing. */
.Lrefuse_deep:
    mov     %rcx, %rbx
    mov     $AP_EXIT_EXCEPTION, %edi
    mov     $SGX_ERROR_UNEXPECTED_, %esi
    xor     %ecx, %ecx
    xor     %edx, %edx
    mov     $SGX_EEXIT, %eax
    ENCLU
    ud2
END_FUNC(exception_door)

/*
 * ERESUME continues here: rdi = rsp = the exception frame, a multiple of 64. trts_exception() runs
 * the handlers and returns only if the thread shall go on with the registers in the frame, which
 * it has checked: RIP inside, RSP in this stack with RESUME_ROOM below it, flags and XSAVE header
 * without what they must not hold.
 *
 * The handler may have moved RSP anywhere in the stack, also over the frame. So the frame is taken
 * out of the way first, into the thread data: no other exception can use that while this runs.
 */
FUNC(exception_phase_two)
    call    trts_exception          # void trts_exception(sgx_exception_info_t *info)

    mov     %rsp, %rsi
    mov     %gs:TD_SELF, %rdi
    add     $TD_RESUME, %rdi
    mov     $CONTEXT_WORDS, %ecx
    rep movsq                       # DF is clear: C returns so

    mov     ap_layout+LAYOUT_XFRM(%rip), %eax
    mov     ap_layout+LAYOUT_XFRM+4(%rip), %edx
    xrstor64 INFO_XSAVE(%rsp)

    /*
     * RFLAGS and RIP go below the interrupted red zone, where nothing lives, and are popped from
     * there. RSP is right after the RET: 8 for RFLAGS, 8 for RIP, 128 for the red zone.
     */
    mov     %gs:TD_RESUME+CONTEXT_RSP, %rsp
    lea     -RESUME_ROOM(%rsp), %rsp
    mov     %gs:TD_RESUME+CONTEXT_RFLAGS, %rax
    mov     %rax, (%rsp)
    mov     %gs:TD_RESUME+CONTEXT_RIP, %rax
    mov     %rax, 8(%rsp)

    mov     %gs:TD_RESUME+CONTEXT_RAX, %rax
    mov     %gs:TD_RESUME+CONTEXT_RCX, %rcx
    mov     %gs:TD_RESUME+CONTEXT_RDX, %rdx
    mov     %gs:TD_RESUME+CONTEXT_RBX, %rbx
    mov     %gs:TD_RESUME+CONTEXT_RBP, %rbp
    mov     %gs:TD_RESUME+CONTEXT_RSI, %rsi
    mov     %gs:TD_RESUME+CONTEXT_RDI, %rdi
    mov     %gs:TD_RESUME+CONTEXT_R8, %r8
    mov     %gs:TD_RESUME+CONTEXT_R9, %r9
    mov     %gs:TD_RESUME+CONTEXT_R10, %r10
    mov     %gs:TD_RESUME+CONTEXT_R11, %r11
    mov     %gs:TD_RESUME+CONTEXT_R12, %r12
    mov     %gs:TD_RESUME+CONTEXT_R13, %r13
    mov     %gs:TD_RESUME+CONTEXT_R14, %r14
    mov     %gs:TD_RESUME+CONTEXT_R15, %r15
    popfq
    ret     $128
END_FUNC(exception_phase_two)

    .section .note.GNU-stack, "", @progbits
