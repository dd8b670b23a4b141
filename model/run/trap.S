# SPDX-License-Identifier: Apache-2.0
#
# trap.S - where every signal of ours arrives, and how it leaves
#
# The kernel calls sgx2_trap_entry(sig, info, context) on this thread's alternate stack. If enclave
# code was running, FS and GS are the enclave's: no C until the host's are back. They are in the
# thread's area, which the stack pointer finds. A stack pointer outside the areas belongs to a thread
# that never entered an enclave, whose bases are the host's anyway.
#
# The way back: C says which bases and which Syscall User Dispatch selector go with the context that
# sigreturn will load. From the moment the selector says BLOCK the only system call allowed is the
# rt_sigreturn below, whose address is exempt.

#include <sys/syscall.h>

#include "run/run.h"

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004

    .hidden sgx2_areas_base, sgx2_areas_end, sgx2_has_fsgsbase, sgx2_hosted
    .text

# void sgx2_trap_entry(int sig, siginfo_t *info, void *context)
    .globl  sgx2_trap_entry
    .hidden sgx2_trap_entry
    .type   sgx2_trap_entry, @function
sgx2_trap_entry:
    lea     sgx2_restorer(%rip), %rax   # called by a handler that stood before us and stands
    cmp     %rax, (%rsp)                # behind us as well, not by the kernel: nobody is left
    jne     trap_nobody
    push    %rbp
    mov     %rsp, %rbp
    push    %rbx                        # rbx = thread area
    push    %r12                        # r12, r13, r14 = the arguments
    push    %r13
    push    %r14
    sub     $32, %rsp                   # struct bases at (%rsp)
    and     $-16, %rsp

    mov     %edi, %r12d
    mov     %rsi, %r13
    mov     %rdx, %r14

    pushfq                              # AC may be the enclave's: C makes unaligned accesses
    andq    $~0x40000, (%rsp)
    popfq

    mov     %rsp, %rbx
    cmp     sgx2_areas_base(%rip), %rbx
    jb      .Lforeign
    cmp     sgx2_areas_end(%rip), %rbx
    jae     .Lforeign
    and     $-THREAD_AREA_SIZE, %rbx

    movzbl  THREAD_SELECTOR(%rbx), %eax # as found, unless C decides otherwise
    mov     %rax, BASES_SELECTOR(%rsp)
    movb    $SUD_ALLOW, THREAD_SELECTOR(%rbx)
    cmpb    $0, sgx2_has_fsgsbase(%rip)
    je      .Lget_by_syscall
    rdfsbase %rax
    rdgsbase %rcx
    mov     %rax, BASES_FS(%rsp)
    mov     %rcx, BASES_GS(%rsp)
    mov     THREAD_HOST_FS(%rbx), %rax
    mov     THREAD_HOST_GS(%rbx), %rcx
    wrfsbase %rax
    wrgsbase %rcx

.Lcall:                                 # void trap_handle(int, siginfo_t *, ucontext_t *,
    mov     %r12d, %edi                 #                  struct thread *, struct bases *)
    mov     %r13, %rsi
    mov     %r14, %rdx
    mov     %rbx, %rcx
    mov     %rsp, %r8
    call    trap_handle

    cmpb    $0, sgx2_has_fsgsbase(%rip)
    je      .Lset_by_syscall
    mov     BASES_FS(%rsp), %rax
    mov     BASES_GS(%rsp), %rcx
    wrfsbase %rax
    wrgsbase %rcx
.Lselect:
    movzbl  BASES_SELECTOR(%rsp), %eax
    movb    %al, THREAD_SELECTOR(%rbx)
.Lreturn:
    lea     -32(%rbp), %rsp
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbx
    pop     %rbp
    ret                                 # to sgx2_restorer

.Lforeign:                              # void trap_foreign(int, siginfo_t *, ucontext_t *)
    mov     %r12d, %edi
    mov     %r13, %rsi
    mov     %r14, %rdx
    call    trap_foreign
    jmp     .Lreturn

.Lget_by_syscall:                       # a kernel or processor without FSGSBASE
    mov     $SYS_arch_prctl, %eax
    mov     $ARCH_GET_FS, %edi
    lea     BASES_FS(%rsp), %rsi
    syscall
    mov     $SYS_arch_prctl, %eax
    mov     $ARCH_GET_GS, %edi
    lea     BASES_GS(%rsp), %rsi
    syscall
    mov     $SYS_arch_prctl, %eax
    mov     $ARCH_SET_FS, %edi
    mov     THREAD_HOST_FS(%rbx), %rsi
    syscall
    mov     $SYS_arch_prctl, %eax
    mov     $ARCH_SET_GS, %edi
    mov     THREAD_HOST_GS(%rbx), %rsi
    syscall
    jmp     .Lcall

.Lset_by_syscall:
    mov     $SYS_arch_prctl, %eax
    mov     $ARCH_SET_FS, %edi
    mov     BASES_FS(%rsp), %rsi
    syscall
    mov     $SYS_arch_prctl, %eax
    mov     $ARCH_SET_GS, %edi
    mov     BASES_GS(%rsp), %rsi
    syscall
    jmp     .Lselect
    .size   sgx2_trap_entry, . - sgx2_trap_entry

# The one place that may make a system call while the selector says BLOCK.
    .globl  sgx2_sigreturn_start, sgx2_sigreturn_end
    .hidden sgx2_sigreturn_start, sgx2_sigreturn_end
    .globl  sgx2_restorer
    .hidden sgx2_restorer
    .type   sgx2_restorer, @function
sgx2_sigreturn_start:
sgx2_restorer:
    cmpb    $0, sgx2_hosted(%rip)
    jne     .Lhosted
.Lplain:
    mov     $SYS_rt_sigreturn, %eax
    syscall
    ud2                                 # the kernel looks at the address after SYSCALL
sgx2_sigreturn_end:

.Lhosted:                               # the exempt addresses are this thread's own, if it has any
    mov     %rsp, %rcx
    cmp     sgx2_areas_base(%rip), %rcx
    jb      .Lplain
    cmp     sgx2_areas_end(%rip), %rcx
    jae     .Lplain
    and     $-THREAD_AREA_SIZE, %rcx
    add     $THREAD_CODE, %rcx
    jmp     *%rcx
    .size   sgx2_restorer, . - sgx2_restorer

# What the code page of a hosted program's thread holds, the only place that may make system calls
# while the program runs: the model's return, and the calls of the program that are the kernel's.
# The kernel thus sees them in the program's own context: its mask, its stack, and RIP where a call
# that a signal interrupts is to be made again. RCX is theirs: SYSCALL changes it anyway, to just
# this. A signal that comes on the way finds RIP here: hosted.c moves it to where it seems to be.
    .globl  sgx2_code_start, sgx2_code_pass, sgx2_code_done, sgx2_code_end
    .hidden sgx2_code_start, sgx2_code_pass, sgx2_code_done, sgx2_code_end
sgx2_code_start:
    mov     $SYS_rt_sigreturn, %eax
    syscall
    ud2
sgx2_code_pass:
    syscall
sgx2_code_done:
    .byte   0x48, 0x8b, 0x0d            # mov THREAD_RESUME of the area, %rcx
    .long   THREAD_RESUME - THREAD_CODE - (.Lresume - sgx2_code_start)
.Lresume:
    jmp     *%rcx
sgx2_code_end:

# Where the program's handlers return to. Unwinders know a signal frame by these very bytes, and by
# the absence of unwind information for the instruction before.
    .globl  sgx2_frame_return
    .hidden sgx2_frame_return
    .type   sgx2_frame_return, @function
    nop
sgx2_frame_return:
    .byte   0x48, 0xc7, 0xc0            # mov $SYS_rt_sigreturn, %rax
    .long   SYS_rt_sigreturn
    syscall
    .size   sgx2_frame_return, . - sgx2_frame_return

    .section .note.GNU-stack, "", @progbits
