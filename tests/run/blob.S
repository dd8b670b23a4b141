# SPDX-License-Identifier: Apache-2.0
#
# blob.S - the code of a hand-made enclave, one page, no stack, no data
#
# In: rdi -> struct op in untrusted memory:  0 op | 8 a | 16 b | 24 c | 32 d | 40 ret | 48 ret2 | 56 n
# Out by EEXIT, with ret and ret2 filled in. At CSSA 1 the same ops work, on the second SSA frame.

    .section .rodata
    .balign 4096
    .globl  blob_start, blob_end
blob_start:
    mov     %rcx, %r15                  # where to go back to
    mov     %rax, 48(%rdi)              # ret2 = CSSA
    mov     (%rdi), %rax
    lea     .Ltable(%rip), %r14
    movslq  (%r14, %rax, 4), %rax
    add     %r14, %rax
    jmp     *%rax

.Lleave:
    mov     %r15, %rbx
    mov     $4, %eax
    .byte   0x0f, 0x01, 0xd7            # EEXIT

.Lnop:
    jmp     .Lleave

.Lstore:                                # *a = b
    mov     8(%rdi), %rax
    mov     16(%rdi), %rdx
    mov     %rdx, (%rax)
    jmp     .Lleave

.Lload:                                 # ret = *a
    mov     8(%rdi), %rax
    mov     (%rax), %rax
    mov     %rax, 40(%rdi)
    jmp     .Lleave

.Lenclu:                                # rax = a, rbx = b, rcx = c, rdx = d; ret = rax, ret2 = zf
    mov     8(%rdi), %rax
    mov     16(%rdi), %rbx
    mov     24(%rdi), %rcx
    mov     32(%rdi), %rdx
    .byte   0x0f, 0x01, 0xd7
    mov     %rax, 40(%rdi)
    mov     $0, %eax
    setz    %al
    mov     %rax, 48(%rdi)
    jmp     .Lleave

.Ljump:
    mov     8(%rdi), %rax
    jmp     *%rax

.Lspin:                                 # until *a != 0; ret = rounds
    mov     8(%rdi), %rax
    xor     %edx, %edx
1:  inc     %rdx
    pause
    cmpq    $0, (%rax)
    je      1b
    mov     %rdx, 40(%rdi)
    jmp     .Lleave

.Lbases:                                # ret = FS base, ret2 = GS base
    rdfsbase %rax
    mov     %rax, 40(%rdi)
    rdgsbase %rax
    mov     %rax, 48(%rdi)
    jmp     .Lleave

.Lregisters:                            # all registers set, fault at *a, then ret = 1 if all kept
    mov     %rdi, %rsi
    mov     8(%rdi), %rax
    mov     $0x1111, %ebx
    mov     $0x2222, %ecx
    mov     $0x3333, %edx
    mov     $0x5555, %r8d
    mov     $0x6666, %r9d
    mov     $0x7777, %r10d
    mov     $0x8888, %r11d
    mov     $0x9999, %r12d
    mov     $0xaaaa, %r13d
    mov     $0xbbbb, %r14d
    movq    %rbx, %xmm0
    movq    %rcx, %xmm15
    fninit
    fld1
    std
    movb    $1, (%rax)                  # the fault
    cmp     $0x1111, %rbx
    jne     .Lbad
    cmp     $0x2222, %rcx
    jne     .Lbad
    cmp     $0x3333, %rdx
    jne     .Lbad
    cmp     $0x5555, %r8
    jne     .Lbad
    cmp     $0x6666, %r9
    jne     .Lbad
    cmp     $0x7777, %r10
    jne     .Lbad
    cmp     $0x8888, %r11
    jne     .Lbad
    cmp     $0x9999, %r12
    jne     .Lbad
    cmp     $0xaaaa, %r13
    jne     .Lbad
    cmp     $0xbbbb, %r14
    jne     .Lbad
    movq    %xmm0, %rax
    cmp     $0x1111, %rax
    jne     .Lbad
    movq    %xmm15, %rax
    cmp     $0x2222, %rax
    jne     .Lbad
    fnstsw  %ax                         # TOP = 7: one value on the stack
    and     $0x3800, %ax
    cmp     $0x3800, %ax
    jne     .Lbad
    lea     40(%rsi), %rdi              # DF is still set: STOSB goes down
    mov     $1, %eax
    stosb
    cld
    lea     39(%rsi), %rdx
    cmp     %rdx, %rdi
    jne     .Lbad
    mov     %rsi, %rdi
    fninit
    jmp     .Lleave
.Lbad:
    cld
    mov     %rsi, %rdi
    movq    $0, 40(%rdi)
    fninit
    jmp     .Lleave

# Instructions that raise something. Each resumes at the next one if RIP is moved past it.
.Lud2:
    ud2
    jmp     .Lleave
.Lsyscall:
    mov     $39, %eax                   # getpid, were it to work
    syscall
    jmp     .Lleave
.Lint80:
    mov     $20, %eax
    int     $0x80
    jmp     .Lleave
.Lint3:
    int3
    jmp     .Lleave
.Lin:
    in      $0x80, %al
    jmp     .Lleave
.Lhlt:
    hlt
    jmp     .Lleave
.Ldivide:
    xor     %ecx, %ecx
    xor     %edx, %edx
    mov     $1, %eax
    div     %ecx
    jmp     .Lleave
.Lnoncanonical:
    mov     $0x8000000000000000, %rax
    mov     (%rax), %rax
    jmp     .Lleave
.Lint21:
    int     $0x21
    jmp     .Lleave
.Lsse:                                  # MXCSR with exceptions unmasked, then 1/0
    ldmxcsr 8(%rdi)
    xorps   %xmm0, %xmm0
    mov     $0x3f800000, %eax
    movd    %eax, %xmm1
    divss   %xmm0, %xmm1
    jmp     .Lleave

.Lrepeat:                               # n times ENCLU: rax = a, rbx = b, rcx = c, rdx = d
    mov     56(%rdi), %r13              # ret = the last rax
    mov     16(%rdi), %rbx
    mov     24(%rdi), %rcx
    mov     32(%rdi), %rdx
1:  mov     8(%rdi), %rax
    .byte   0x0f, 0x01, 0xd7
    dec     %r13
    jnz     1b
    mov     %rax, 40(%rdi)
    jmp     .Lleave

.Lcommit:                               # EACCEPT n pages from c on, SECINFO at b; ret = failures
    mov     56(%rdi), %r13
    mov     16(%rdi), %rbx
    mov     24(%rdi), %rcx
    xor     %r12d, %r12d
1:  mov     $5, %eax
    .byte   0x0f, 0x01, 0xd7
    test    %rax, %rax
    jz      2f
    inc     %r12
2:  add     $4096, %rcx
    dec     %r13
    jnz     1b
    mov     %r12, 40(%rdi)
    jmp     .Lleave

.Lcpuid:                                # ret = 1 if CPUID executed
    xor     %eax, %eax
    xor     %ecx, %ecx
    cpuid
    movq    $1, 40(%rdi)
    jmp     .Lleave

.Lwitness:                              # of the entry: ret = rsp, ret2 = rflags, a = rbp, b = rsi,
    mov     %rsp, 40(%rdi)              # c = rdx, d = r13, n = mxcsr; 8 bytes of stack below a
    mov     8(%rdi), %rsp
    pushfq
    pop     %rax
    mov     %rax, 48(%rdi)
    mov     40(%rdi), %rsp
    mov     %rbp, 8(%rdi)
    mov     %rsi, 16(%rdi)
    mov     %rdx, 24(%rdi)
    mov     %r13, 32(%rdi)
    stmxcsr 56(%rdi)
    jmp     .Lleave

.Lcount:                                # n times: one to the eight bytes at a; ret = rounds
    mov     8(%rdi), %rax
    mov     56(%rdi), %rdx
    xor     %ecx, %ecx
1:  incq    (%rax)
    inc     %rcx
    dec     %rdx
    jnz     1b
    mov     %rcx, 40(%rdi)
    jmp     .Lleave

    .balign 4
.Ltable:
    .long   .Lnop - .Ltable, .Lstore - .Ltable, .Lload - .Ltable, .Lenclu - .Ltable
    .long   .Ljump - .Ltable, .Lspin - .Ltable, .Lbases - .Ltable, .Lregisters - .Ltable
    .long   .Lud2 - .Ltable, .Lsyscall - .Ltable, .Lint80 - .Ltable, .Lint3 - .Ltable
    .long   .Lin - .Ltable, .Lhlt - .Ltable, .Ldivide - .Ltable, .Lnoncanonical - .Ltable
    .long   .Lint21 - .Ltable, .Lsse - .Ltable, .Lrepeat - .Ltable, .Lcommit - .Ltable
    .long   .Lcpuid - .Ltable, .Lwitness - .Ltable, .Lcount - .Ltable
blob_end:
    .balign 4096

    .section .note.GNU-stack, "", @progbits
