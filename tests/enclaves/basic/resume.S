/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resume.S - state that an exception and its handler must leave alone
 *
 * void resume_check(struct resume_check *ret_check);
 *
 * Each register gets a value of its own, then UD2 faults and a handler skips it. Every value is
 * compared afterwards; the structure's fields are 1 where all of a kind came back.
 */
    .section .rodata
    .balign 16
patterns:
    .set    i, 0
    .rept   16
    .quad   0x1111111111111111 + i * 0x0101010101010101, 0x2222222222222222 + i
    .set    i, i + 1
    .endr
rounding:
    .long   0x5f80              # MXCSR: round up
    .short  0x0b7f              # x87: round up

    .text
    .globl  resume_check
    .hidden resume_check
    .type   resume_check, @function
resume_check:
    push    %rbp
    push    %rbx
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    sub     $40, %rsp           # 0: ret_check, 8: rsp at the fault, 16: control words
    mov     %rdi, (%rsp)
    mov     %rsp, 8(%rsp)

    lea     patterns(%rip), %rax
    movdqa  0(%rax), %xmm0
    movdqa  16(%rax), %xmm1
    movdqa  32(%rax), %xmm2
    movdqa  48(%rax), %xmm3
    movdqa  64(%rax), %xmm4
    movdqa  80(%rax), %xmm5
    movdqa  96(%rax), %xmm6
    movdqa  112(%rax), %xmm7
    movdqa  128(%rax), %xmm8
    movdqa  144(%rax), %xmm9
    movdqa  160(%rax), %xmm10
    movdqa  176(%rax), %xmm11
    movdqa  192(%rax), %xmm12
    movdqa  208(%rax), %xmm13
    movdqa  224(%rax), %xmm14
    movdqa  240(%rax), %xmm15
    ldmxcsr rounding(%rip)
    fldcw   4+rounding(%rip)

    lea     -128(%rsp), %rdi    # the red zone
    mov     $0x5a5a5a5a5a5a5a5a, %rax
    mov     $16, %ecx
    rep stosq

    mov     $0xa1, %eax
    mov     $0xc1, %ecx
    mov     $0xd1, %edx
    mov     $0xb1, %ebx
    mov     $0xb2, %ebp
    mov     $0x51, %esi
    mov     $0xd2, %edi
    mov     $0x08, %r8d
    mov     $0x09, %r9d
    mov     $0x10, %r10d
    mov     $0x11, %r11d
    mov     $0x12, %r12d
    mov     $0x13, %r13d
    mov     $0x14, %r14d
    mov     $0x15, %r15d
    std                         # a handler must not see these,
    stc                         # and the code after it must see them again
    ud2
    jnc     .Lflags_lost        # before anything changes the flags
    pushfq                      # below RSP: the red zone's top word; it is read further down
    cld
    btq     $10, (%rsp)
    lea     8(%rsp), %rsp
    jnc     .Lflags_lost
    movl    $1, 20(%rsp)
    jmp     .Lregisters
.Lflags_lost:
    cld
    movl    $0, 20(%rsp)

.Lregisters:
    cmp     $0xa1, %rax
    jne     .Lregisters_lost
    cmp     $0xc1, %rcx
    jne     .Lregisters_lost
    cmp     $0xd1, %rdx
    jne     .Lregisters_lost
    cmp     $0xb1, %rbx
    jne     .Lregisters_lost
    cmp     $0xb2, %rbp
    jne     .Lregisters_lost
    cmp     $0x51, %rsi
    jne     .Lregisters_lost
    cmp     $0xd2, %rdi
    jne     .Lregisters_lost
    cmp     $0x08, %r8
    jne     .Lregisters_lost
    cmp     $0x09, %r9
    jne     .Lregisters_lost
    cmp     $0x10, %r10
    jne     .Lregisters_lost
    cmp     $0x11, %r11
    jne     .Lregisters_lost
    cmp     $0x12, %r12
    jne     .Lregisters_lost
    cmp     $0x13, %r13
    jne     .Lregisters_lost
    cmp     $0x14, %r14
    jne     .Lregisters_lost
    cmp     $0x15, %r15
    jne     .Lregisters_lost
    cmp     %rsp, 8(%rsp)
    jne     .Lregisters_lost
    mov     (%rsp), %rdi
    movq    $1, 0(%rdi)
.Lregisters_lost:
    mov     (%rsp), %rdi

    lea     patterns(%rip), %rax
    mov     $0xffff, %ecx       # AND of the byte masks of sixteen comparisons
    .set    i, 0
    .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    pcmpeqb i*16(%rax), %xmm\n
    pmovmskb %xmm\n, %edx
    and     %edx, %ecx
    .set    i, i + 1
    .endr
    cmp     $0xffff, %ecx
    jne     .Lvectors_lost
    movq    $1, 8(%rdi)
.Lvectors_lost:

    stmxcsr 16(%rsp)
    mov     16(%rsp), %eax
    and     $0xffc0, %eax       # without the sticky flags
    cmp     $0x5f80, %eax
    jne     .Lcontrol_lost
    fnstcw  16(%rsp)
    cmpw    $0x0b7f, 16(%rsp)
    jne     .Lcontrol_lost
    movq    $1, 16(%rdi)
.Lcontrol_lost:

    mov     20(%rsp), %eax
    mov     %rax, 24(%rdi)

    mov     $0x5a5a5a5a5a5a5a5a, %rax
    mov     $15, %ecx           # all but the word that the flags went to
    lea     -128(%rsp), %rdx
.Lred_zone:
    cmp     %rax, (%rdx)
    jne     .Lred_zone_lost
    add     $8, %rdx
    dec     %ecx
    jnz     .Lred_zone
    movq    $1, 32(%rdi)
.Lred_zone_lost:

    movl    $0x1f80, 16(%rsp)
    ldmxcsr 16(%rsp)
    movw    $0x37f, 16(%rsp)
    fldcw   16(%rsp)
    add     $40, %rsp
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbx
    pop     %rbp
    ret
    .size   resume_check, . - resume_check

    .section .note.GNU-stack, "", @progbits
