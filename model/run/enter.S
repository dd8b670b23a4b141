# SPDX-License-Identifier: Apache-2.0
#
# enter.S - __vdso_sgx_enter_enclave on the software processor
#
# int sgx2_enter_enclave(rdi, rsi, rdx, function, r8, r9, struct sgx_enclave_run *run)
#
# The control flow is that of the kernel's vDSO function, whose contract <asm/sgx.h> states. Where
# that executes ENCLU, this spills every register and the extended state, lets C carry the leaf out,
# and loads whatever state the leaf led to: no trap to enter. The ENCLU itself stands there all the
# same: it is the address that asynchronous exits are told to go to (AEP), and anybody who jumps to
# it gets the leaf by way of SIGILL.
#
# Stack, as the vDSO lays it out:  rbp -> saved rbp | return address | run
#                                  rbp-8 -> saved rbx

#include <sys/syscall.h>

#include "run/run.h"

#define RUN       16            /* (%rbp) */
#define RUN_TCS            0    /* offsets in struct sgx_enclave_run */
#define RUN_FUNCTION       8
#define RUN_VECTOR         12
#define RUN_ERROR_CODE     14
#define RUN_ADDRESS        16
#define RUN_HANDLER        24
#define RUN_RESERVED       40
#define RUN_END            256

#define EENTER  2
#define ERESUME 3
#define EEXIT   4
#define EINVAL  22

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002

    .hidden sgx2_xsave_size, sgx2_has_fsgsbase, sgx2_hosted
    .text
    .globl  sgx2_enter_enclave
    .hidden sgx2_enter_enclave
    .type   sgx2_enter_enclave, @function
sgx2_enter_enclave:
    .cfi_startproc
    push    %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbp, 0
    mov     %rsp, %rbp
    .cfi_def_cfa_register %rbp          # an enclave that left RBP intact can be unwound through
    push    %rbx
    .cfi_rel_offset %rbx, -8
    mov     %ecx, %eax                  # eax = function, from here to the ENCLU

.Lenter:
    cmp     $EENTER, %eax
    jb      .Linvalid
    cmp     $ERESUME, %eax
    ja      .Linvalid

    mov     RUN(%rbp), %rcx             # every reserved byte is zero
    mov     $RUN_RESERVED, %ebx
.Lreserved:
    cmpq    $0, (%rcx, %rbx)
    jne     .Linvalid
    add     $8, %ebx
    cmp     $RUN_END, %ebx
    jne     .Lreserved

    mov     RUN_TCS(%rcx), %rbx
    lea     sgx2_enclu_insn(%rip), %rcx # AEP
    cmpb    $0, sgx2_hosted(%rip)       # FS is that of a hosted program: no C before a trap
    je      .Lenclu

    .globl  sgx2_enclu_insn, sgx2_enclu_next, sgx2_enclu_fixup
    .hidden sgx2_enclu_insn, sgx2_enclu_next, sgx2_enclu_fixup
sgx2_enclu_insn:
    .byte   0x0f, 0x01, 0xd7            # enclu
sgx2_enclu_next:                        # EEXIT goes here; rdi, rsi, rdx, r8, r9 are the enclave's
    mov     RUN(%rbp), %rbx
    movl    $EEXIT, RUN_FUNCTION(%rbx)

.Lhandler:
    cmpq    $0, RUN_HANDLER(%rbx)
    jne     .Lcall_handler
    xor     %eax, %eax

.Lout:
    mov     -8(%rbp), %rbx
    leave
    .cfi_remember_state
    .cfi_def_cfa %rsp, 8
    .cfi_restore %rbx
    .cfi_restore %rbp
    ret
    .cfi_restore_state

.Linvalid:
    mov     $-EINVAL, %eax
    jmp     .Lout

sgx2_enclu_fixup:                       # rdi = vector, rsi = error code, rdx = address
    mov     RUN(%rbp), %rbx
    mov     %eax, RUN_FUNCTION(%rbx)
    mov     %di, RUN_VECTOR(%rbx)
    mov     %si, RUN_ERROR_CODE(%rbx)
    mov     %rdx, RUN_ADDRESS(%rbx)
    jmp     .Lhandler

.Lcall_handler:                         # int handler(rdi, rsi, rdx, ursp, r8, r9, run)
    mov     %rsp, %rcx                  # RSP as the enclave left it: it may have put data there
    push    %rcx                        # and it is restored after the handler
    and     $-16, %rsp
    push    %rcx
    push    %rbx                        # the seventh argument
    cld
    mov     RUN_HANDLER(%rbx), %rax
    lfence                              # no speculation on what the enclave returned
    call    *%rax
    mov     8(%rsp), %rsp
    test    %eax, %eax
    jg      .Lenter
    jmp     .Lout

# ---------------------------------------------------------------------------------------------
# The ENCLU. All registers hold what they hold at the instruction. The frame, from RSP down:
# red zone | struct entry | XSAVE image.

.Lenclu:
    lea     -128-ENTRY_SIZE(%rsp), %rsp
    mov     %rax, ENTRY_RAX(%rsp)
    mov     %rcx, ENTRY_RCX(%rsp)
    mov     %rdx, ENTRY_RDX(%rsp)
    mov     %rbx, ENTRY_RBX(%rsp)
    lea     128+ENTRY_SIZE(%rsp), %rax
    mov     %rax, ENTRY_RSP(%rsp)
    mov     %rbp, ENTRY_RBP(%rsp)
    mov     %rsi, ENTRY_RSI(%rsp)
    mov     %rdi, ENTRY_RDI(%rsp)
    mov     %r8, ENTRY_R8(%rsp)
    mov     %r9, ENTRY_R9(%rsp)
    mov     %r10, ENTRY_R10(%rsp)
    mov     %r11, ENTRY_R11(%rsp)
    mov     %r12, ENTRY_R12(%rsp)
    mov     %r13, ENTRY_R13(%rsp)
    mov     %r14, ENTRY_R14(%rsp)
    mov     %r15, ENTRY_R15(%rsp)
    lea     sgx2_enclu_insn(%rip), %rax
    mov     %rax, ENTRY_RIP(%rsp)
    mov     %rsp, %r12                  # r12 = struct entry, until the registers are loaded
    and     $-16, %rsp
    pushfq
    pop     ENTRY_RFLAGS(%r12)
    push    $2                          # the caller may have set AC, DF or TF; C bears none
    popfq

    sub     sgx2_xsave_size(%rip), %rsp
    and     $-64, %rsp
    mov     %rsp, ENTRY_XSAVE(%r12)
    xor     %eax, %eax                  # the header must be clean: XSAVE writes only part of it
    lea     512(%rsp), %rdi
    mov     $8, %ecx
    rep stosq
    mov     $-1, %eax
    mov     $-1, %edx
    xsave64 (%rsp)
    movl    $0x1f80, -16(%rsp)          # C runs with the ABI's MXCSR and x87 control word
    ldmxcsr -16(%rsp)
    fninit
    sub     $64, %rsp

    mov     %r12, %rdi                  # void enter_enclu(struct entry *)
    call    enter_enclu

# Load the state that the leaf led to. From here to the IRETQ a signal finds the thread half way in:
# the handler looks for RIP in this window, loads the rest itself, and goes on from there.
    .globl  sgx2_window_start, sgx2_window_end
    .hidden sgx2_window_start, sgx2_window_end
sgx2_window_start:
    mov     ENTRY_XSAVE(%r12), %rsi
    mov     $-1, %eax
    mov     $-1, %edx
    xrstor64 (%rsi)

    cmpq    $0, ENTRY_INSIDE(%r12)
    je      .Lload
    cmpb    $0, sgx2_has_fsgsbase(%rip)
    je      .Lbases_by_syscall
    mov     ENTRY_FS(%r12), %rax
    mov     ENTRY_GS(%r12), %rcx
    wrfsbase %rax
    wrgsbase %rcx
.Lblock:
    mov     ENTRY_THREAD(%r12), %rbx    # no system call from here on
    movb    $SUD_BLOCK, THREAD_SELECTOR(%rbx)

# IRETQ loads RIP, RFLAGS and RSP together and works at CPL 3 as well.
.Lload:
    mov     ENTRY_THREAD(%r12), %rbx
    movb    $0, THREAD_IN_MODEL(%rbx)
    lea     -40(%r12), %rsp
    mov     ENTRY_RIP(%r12), %rax
    mov     %rax, (%rsp)
    mov     %cs, %eax
    mov     %rax, 8(%rsp)
    mov     ENTRY_RFLAGS(%r12), %rax
    mov     %rax, 16(%rsp)
    mov     ENTRY_RSP(%r12), %rax
    mov     %rax, 24(%rsp)
    mov     %ss, %eax
    mov     %rax, 32(%rsp)
    mov     ENTRY_RAX(%r12), %rax
    mov     ENTRY_RCX(%r12), %rcx
    mov     ENTRY_RDX(%r12), %rdx
    mov     ENTRY_RBX(%r12), %rbx
    mov     ENTRY_RBP(%r12), %rbp
    mov     ENTRY_RSI(%r12), %rsi
    mov     ENTRY_RDI(%r12), %rdi
    mov     ENTRY_R8(%r12), %r8
    mov     ENTRY_R9(%r12), %r9
    mov     ENTRY_R10(%r12), %r10
    mov     ENTRY_R11(%r12), %r11
    mov     ENTRY_R13(%r12), %r13
    mov     ENTRY_R14(%r12), %r14
    mov     ENTRY_R15(%r12), %r15
    mov     ENTRY_R12(%r12), %r12
    iretq

.Lbases_by_syscall:
    mov     $SYS_arch_prctl, %eax
    mov     $ARCH_SET_FS, %edi
    mov     ENTRY_FS(%r12), %rsi
    syscall
    mov     $SYS_arch_prctl, %eax
    mov     $ARCH_SET_GS, %edi
    mov     ENTRY_GS(%r12), %rsi
    syscall
    jmp     .Lblock
sgx2_window_end:
    .cfi_endproc
    .size   sgx2_enter_enclave, . - sgx2_enter_enclave

    .section .note.GNU-stack, "", @progbits
