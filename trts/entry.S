/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry.S - the door into the enclave and the way out
 *
 * The processor vouches for four things at EENTER:
 *
 *     rax = CSSA       0: a call or the return from an ocall. 1: something happened in SSA[0]
 *     rbx = TCS        which thread slot this is
 *     rcx              the address after the host's EENTER
 *     fs, gs bases     the slot's thread data, because the measured TCS says so
 *
 * Every other register, flag and vector is the host's choice. The stack pointer above all: nothing
 * is pushed before it points into this slot's own stack. The thread data is found from the TCS
 * address and the measured layout page, never from what the host passed.
 *
 * Registers at the door are described in abi/call.h. Labels read .L<flow>_<step>; flow is
 *
 *     call     an ecall, or AP_ENTER_INIT
 *     oret     AP_ENTER_ORET
 *     leave    EEXIT with results
 *     refuse   EEXIT before anything of ours was touched
 *
 * No exception is delivered while this text runs: see asm.h.
 */
#include "asm.h"

    CRITICAL

FUNC(enclave_entry)
    cld                             # string instructions and C rely on DF = 0
    test    %rax, %rax
    jnz     exception_door          # CSSA > 0: exception_entry.S

    /*
     * AC may still be set by the host. Until the flags are ours, every memory access below is
     * eight bytes wide and aligned, so it cannot raise #AC.
     */
    mov     ap_layout+LAYOUT_TD_FROM_TCS(%rip), %r10
    add     %rbx, %r10              # r10 = this slot's thread data
    mov     TD_FRAME(%r10), %r11    # r11 = the topmost ocall frame, 0 if none is outstanding
    cmp     $AP_ENTER_ORET, %rdi
    je      .Loret_check

    /*
     * rdi = index, rsi = ms, rdx = ocall memory, r8 = its size. All of it is the host's word.
     *
     * The stack begins below the topmost ocall frame, or at its upper end. CSSA 0 says that no
     * interrupted context of this slot is waiting, so nothing below that point is alive.
     */
.Lcall_stack:
    mov     %rbx, %r9
    sub     ap_layout+LAYOUT_TCS_FROM_STACK(%rip), %r9
    test    %r11, %r11
    cmovz   %r9, %r11
    sub     ap_layout+LAYOUT_STACK_SIZE(%rip), %r9
    add     $ENTER_ROOM, %r9        # lowest address where a call may begin
    mov     $SGX_ERROR_STACK_OVERRUN_, %eax
    cmp     %r9, %r11
    jb      .Lrefuse                # ecalls nested too deep: an error, not a crash

    /* Each EEXIT goes to where the latest entry came from, so one place to remember is enough. */
    mov     %rsp, TD_HOST_RSP(%r10)
    mov     %rbp, TD_HOST_RBP(%r10)
    mov     %rcx, TD_HOST_RIP(%r10)

    mov     %r11, %rsp              # ours from here on
    and     $-16, %rsp
    pushq   $CLEAN_FLAGS            # AC, NT and TF: #AC would leak addresses
    popfq

    mov     %rdx, %r9
    CLEAN_XSTATE                    # before any C: it may use SSE, and rounding is the ABI's
    mov     %r9, %rdx

    cmpq    $0, TD_SELF(%r10)       # measured as zero: this slot was never entered
    je      .Lcall_first

.Lcall_enter:
    mov     %r8, %rcx
    xor     %eax, %eax              # what C does not receive, C must not find
    xor     %ebx, %ebx
    xor     %ebp, %ebp              # backtraces end here
    xor     %r8d, %r8d
    xor     %r9d, %r9d
    xor     %r10d, %r10d
    xor     %r11d, %r11d
    xor     %r12d, %r12d
    xor     %r13d, %r13d
    xor     %r14d, %r14d
    xor     %r15d, %r15d
    /* sgx_status_t trts_enter(int64_t index, uint64_t ms, uint64_t memory, uint64_t size) */
    call    trts_enter
    mov     %eax, %esi
    mov     $AP_EXIT_RETURN, %edi
    xor     %edx, %edx
    jmp     .Lleave

.Lcall_first:
    push    %rdi                    # four pushes keep rsp a multiple of 16
    push    %rsi
    push    %rdx
    push    %r8
    mov     %r10, %rdi
    /* bool thread_first_entry(struct thread_data *td); false: no randomness for the canary */
    call    thread_first_entry
    pop     %r8
    pop     %rdx
    pop     %rsi
    pop     %rdi
    test    %al, %al
    jnz     .Lcall_enter
    mov     $SGX_ERROR_UNEXPECTED_, %edi
    jmp     trts_exit

    /*
     * Back from an ocall: only if this very slot made one that is still outstanding, and then only
     * to the topmost. A second ORET finds the frame gone; another slot has frames of its own.
     */
.Loret_check:
    mov     $SGX_ERROR_ENCLAVE_CRASHED_, %eax
    cmpl    $STATE_CRASHED_, trts_state(%rip)
    je      .Lrefuse
    mov     $SGX_ERROR_UNEXPECTED_, %eax
    test    %r11, %r11
    jz      .Lrefuse
    lfence                          # no running ahead on a stack that is not there

    mov     %rsp, TD_HOST_RSP(%r10)
    mov     %rbp, TD_HOST_RBP(%r10)
    mov     %rcx, TD_HOST_RIP(%r10)

    mov     %r11, %rsp              # the frame; the word below it was used on the way out
    pushq   $CLEAN_FLAGS
    popfq
    CLEAN_XSTATE
    ldmxcsr FRAME_MXCSR(%rsp)       # the caller's rounding and masks survive a call, says the ABI
    fldcw   FRAME_FCW(%rsp)

    mov     FRAME_PREV(%rsp), %rax
    mov     %rax, TD_FRAME(%r10)    # the frame is spent

    mov     %esi, %eax              # 32 bits of status; the upper half is dropped
    xor     %ecx, %ecx
    xor     %edx, %edx
    xor     %esi, %esi
    xor     %edi, %edi
    xor     %r8d, %r8d
    xor     %r9d, %r9d
    xor     %r10d, %r10d
    xor     %r11d, %r11d
    add     $FRAME_SAVED, %rsp
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbx
    pop     %rbp
    ret                             # to the caller of ocall_leave()

    /*
     * eax = status. The host's rsp and rbp were never changed. What stands in the other registers
     * is addresses that the host knows; they are cleared all the same.
     */
.Lrefuse:
    mov     %rcx, %rbx              # EEXIT's target
    mov     %eax, %esi
    mov     $AP_EXIT_RETURN, %edi
    xor     %ecx, %ecx
    xor     %edx, %edx
    xor     %r8d, %r8d
    xor     %r9d, %r9d
    xor     %r10d, %r10d
    xor     %r11d, %r11d            # the last xor also fixes the arithmetic flags
    mov     $SGX_EEXIT, %eax
    ENCLU
    ud2
END_FUNC(enclave_entry)

/*
 * sgx_status_t ocall_leave(int64_t index, uint64_t args);
 *
 * Builds a struct ocall_frame of what the ABI lets a callee keep, makes it the topmost, leaves.
 * Comes back through .Loret_check, with the host's status in eax. The six pushes and the return
 * address are the frame's upper part, in the order of the structure.
 */
FUNC(ocall_leave)
    push    %rbp
    push    %rbx
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    sub     $FRAME_SAVED, %rsp
    stmxcsr FRAME_MXCSR(%rsp)
    fnstcw  FRAME_FCW(%rsp)
    mov     %rdi, FRAME_INDEX(%rsp)
    mov     %gs:TD_FRAME, %rax
    mov     %rax, FRAME_PREV(%rsp)
    mov     %rsp, %gs:TD_FRAME      # from here on the host may ORET, or call inside again

    mov     %rsi, %rdx
    mov     %rdi, %rsi
    mov     $AP_EXIT_OCALL, %edi
    jmp     .Lleave
END_FUNC(ocall_leave)

/* _Noreturn void trts_exit(sgx_status_t status); the thread's stack is abandoned. */
FUNC(trts_exit)
    mov     %edi, %esi
    mov     $AP_EXIT_RETURN, %edi
    xor     %edx, %edx

    /*
     * rdi, rsi, rdx = results. Everything else that computation left behind goes: vectors and
     * control words first, then registers, then flags, which the pop sets last; only moves follow.
     */
.Lleave:
    mov     %rdx, %r8
    CLEAN_XSTATE
    mov     %r8, %rdx
    xor     %ecx, %ecx
    xor     %r8d, %r8d
    xor     %r9d, %r9d
    xor     %r10d, %r10d
    xor     %r11d, %r11d
    xor     %r12d, %r12d
    xor     %r13d, %r13d
    xor     %r14d, %r14d
    xor     %r15d, %r15d
    pushq   $CLEAN_FLAGS
    popfq
    mov     %gs:TD_HOST_RIP, %rbx   # EEXIT restores neither rsp nor rbp: that is our duty
    mov     %gs:TD_HOST_RBP, %rbp
    mov     %gs:TD_HOST_RSP, %rsp
    mov     $SGX_EEXIT, %eax
    ENCLU
    ud2                             # EEXIT does not come back
END_FUNC(trts_exit)

    .section .note.GNU-stack, "", @progbits
