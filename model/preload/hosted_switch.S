# SPDX-License-Identifier: Apache-2.0
#
# hosted_switch.S - from the loader's context into the program's, and back

#include <sys/syscall.h>

    .text

# void hosted_switch(void)
# The trap handler stores the registers of UD2 as the way back, and loads the program's.
    .globl  hosted_switch, hosted_switch_insn, hosted_switch_back
    .hidden hosted_switch, hosted_switch_insn, hosted_switch_back
    .type   hosted_switch, @function
hosted_switch:
    push    %rbp
    push    %rbx
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    sub     $8, %rsp
hosted_switch_insn:
    ud2
hosted_switch_back:                     # general registers as at UD2; the others are the program's
    fninit
    movl    $0x1f80, (%rsp)
    ldmxcsr (%rsp)
    add     $8, %rsp
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbx
    pop     %rbp
    ret
    .size   hosted_switch, . - hosted_switch

# long hosted_vfork(unsigned long flags, void *buffer, uint64_t top)
# The child returns first and goes on with this stack. The parent wakes up in SYSCALL with its
# registers, and finds the stack as the child left it.
    .globl  hosted_vfork
    .hidden hosted_vfork
    .type   hosted_vfork, @function
hosted_vfork:
    push    %rbx
    push    %r12
    push    %r13
    mov     %rdi, %r10                  # flags
    mov     %rsi, %r12                  # buffer
    mov     %rdx, %r13
    sub     %rsp, %r13                  # size
    mov     %rsp, %rsi
    mov     %r12, %rdi
    mov     %r13, %rcx
    rep movsb
    mov     %r10, %rdi
    xor     %esi, %esi                  # the same stack
    xor     %edx, %edx
    xor     %r10d, %r10d
    xor     %r8d, %r8d
    mov     $SYS_clone, %eax
    syscall
    test    %rax, %rax
    jz      .Lchild
    mov     %rax, %rbx
    mov     %r12, %rsi
    mov     %rsp, %rdi
    mov     %r13, %rcx
    rep movsb
    mov     %rbx, %rax
.Lchild:
    pop     %r13
    pop     %r12
    pop     %rbx
    ret
    .size   hosted_vfork, . - hosted_vfork

    .section .note.GNU-stack, "", @progbits
