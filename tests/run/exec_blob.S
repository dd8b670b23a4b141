# SPDX-License-Identifier: Apache-2.0
#
# exec_blob.S - enclave code that raises exceptions and fills registers, and the call that enters it
#
# One page, the conventions of blob.S: rdi -> struct op, out by EEXIT. No stack of its own: it uses
# the host's, as RSP comes in.

    .section .rodata
    .balign 4096
    .globl  exec_blob, exec_planted, exec_steps
exec_blob:
    mov     %rcx, %r15                  # where to go back to
    mov     %rax, 48(%rdi)              # ret2 = CSSA
    mov     (%rdi), %rax
    lea     .Ltable(%rip), %r14
    movslq  (%r14, %rax, 4), %rax
    add     %r14, %rax
    jmp     *%rax

.Lnop:
.Lleave:
    mov     %r15, %rbx
    mov     $4, %eax
    .byte   0x0f, 0x01, 0xd7            # EEXIT

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

.Lvectors:                              # XRSTOR b, components d; fault at a; XSAVE c
    mov     16(%rdi), %rsi
    mov     32(%rdi), %rax
    mov     %rax, %rdx
    shr     $32, %rdx
    xrstor64 (%rsi)
    mov     8(%rdi), %rbx
    movb    $1, (%rbx)                  # the fault
    mov     24(%rdi), %rsi
    mov     32(%rdi), %rax
    mov     %rax, %rdx
    shr     $32, %rdx
    xsave64 (%rsi)
    jmp     .Lleave

.Lx87:                                  # control word a: 1/0; a fault at b if that is not 0; FWAIT
    fninit
    fldcw   8(%rdi)
    fldz
    fld1
    fdiv    %st(1), %st
    mov     16(%rdi), %rbx
    test    %rbx, %rbx
    jz      1f
    movb    $1, (%rbx)
1:  fwait                               # the exception
    fninit
    jmp     .Lleave

.Lsse:                                  # MXCSR a: 1/0
    ldmxcsr 8(%rdi)
    xorps   %xmm0, %xmm0
    mov     $0x3f800000, %eax
    movd    %eax, %xmm1
    divss   %xmm0, %xmm1
    jmp     .Lleave

.Ldivide:
    xor     %ecx, %ecx
    xor     %edx, %edx
    mov     $1, %eax
    div     %ecx
    jmp     .Lleave

.Lud2:
    ud2
.Lhlt:
    hlt
.Lint3:
    int3
    jmp     .Lleave
.Lint_3:
    .byte   0xcd, 0x03
    jmp     .Lleave
.Lint_4:
    .byte   0xcd, 0x04
    jmp     .Lleave
.Lcpuid:
    xor     %eax, %eax
    cpuid
    jmp     .Lleave

.Lunaligned:                            # AC set, then a word that crosses words
    pushfq
    orl     $0x40000, (%rsp)
    popfq
    mov     9(%rdi), %eax
    jmp     .Lleave

.Lstack:                                # a stack that no address has
    mov     $0x8000000000000000, %rbp
    mov     (%rbp), %rax
    jmp     .Lleave

.Ltrap_flag:                            # ret = flags behind a POPF that sets TF
    pushfq
    orl     $0x100, (%rsp)
    popfq
    nop
    pushfq
    pop     40(%rdi)
    jmp     .Lleave

.Lplanted:                              # ret = 1; a debugger may put INT3 over the NOP
    xor     %eax, %eax
    inc     %eax
exec_planted:
    nop
    mov     %rax, 40(%rdi)
    jmp     .Lleave

.Lsteps:                                # four instructions and out
exec_steps:
    nop
    nop
    nop
    nop
    jmp     .Lleave

    .balign 4
.Ltable:
    .long   .Lnop - .Ltable, .Lstore - .Ltable, .Lload - .Ltable, .Lvectors - .Ltable
    .long   .Lx87 - .Ltable, .Lsse - .Ltable, .Ldivide - .Ltable, .Lud2 - .Ltable
    .long   .Lhlt - .Ltable, .Lint3 - .Ltable, .Lint_3 - .Ltable, .Lint_4 - .Ltable
    .long   .Lcpuid - .Ltable, .Lunaligned - .Ltable, .Lstack - .Ltable, .Ltrap_flag - .Ltable
    .long   .Lplanted - .Ltable, .Lsteps - .Ltable
    .balign 4096

# int exec_enter(struct op *op, unsigned function, struct sgx_enclave_run *run, void *stack_top,
#                struct exec_host *host)
#
# On a stack of its own, like raw_enter_on(). The host's extended state is loaded from host->load
# directly before the call and stored to host->saved directly after, components host->mask; flags as
# well. Afterwards the C code's own conventions hold again, whatever an exit left.
#define HOST_LOAD   0
#define HOST_SAVED  8
#define HOST_MASK   16
#define HOST_FLAGS  24
#define HOST_DIRECT 32

    .text
    .globl  exec_enter, exec_native, exec_native_next
    .type   exec_enter, @function
exec_enter:
    push    %rbx
    push    %rbp
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    mov     %rsp, -16(%rcx)             # 16-byte aligned with two words on the new stack
    lea     -16(%rcx), %rsp
    push    %r8
    push    %rdx                        # the seventh argument
    mov     %esi, %r10d

    mov     HOST_LOAD(%r8), %rcx
    test    %rcx, %rcx
    jz      1f
    mov     HOST_MASK(%r8), %eax
    mov     HOST_MASK+4(%r8), %edx
    xrstor64 (%rcx)
1:  cmpq    $0, HOST_DIRECT(%r8)
    jne     .Ldirect
    mov     %r10d, %ecx
    xor     %esi, %esi
    xor     %edx, %edx
    xor     %r8d, %r8d
    call    sgx2_enter_enclave
.Lback:
    mov     8(%rsp), %r8
    mov     %eax, %ebx
    pushfq
    pop     HOST_FLAGS(%r8)
    mov     HOST_SAVED(%r8), %rcx
    test    %rcx, %rcx
    jz      1f
    mov     HOST_MASK(%r8), %eax
    mov     HOST_MASK+4(%r8), %edx
    xsave64 (%rcx)
1:  push    $2                          # no AC, no DF, no TF
    popfq
    fninit
    movl    $0x1f80, 8(%rsp)
    ldmxcsr 8(%rsp)
    mov     %ebx, %eax
    mov     16(%rsp), %rsp
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbp
    pop     %rbx
    ret

# The host's own ENCLU, with itself for AEP.
.Ldirect:
    mov     (%rsp), %rbx
    mov     (%rbx), %rbx                # run->tcs
    mov     %r10d, %eax
    lea     exec_native(%rip), %rcx
exec_native:
    .byte   0x0f, 0x01, 0xd7
exec_native_next:
    jmp     .Lback
    .size   exec_enter, . - exec_enter

    .section .note.GNU-stack, "", @progbits
