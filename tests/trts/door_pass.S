/* SPDX-License-Identifier: Apache-2.0 */
/*
 * door_pass.S - one passage with every register chosen before and seen after
 *
 * int door_pass(struct passage_state *state, struct sgx_enclave_run *run, void *stack_top);
 *
 * On a stack of its own, always from the same place: an enclave that was resumed leaves through the
 * RSP and RBP of the call that entered it.
 *
 *     top - 8    the caller's RSP       top - 24   result
 *     top - 16   state                  top - 32   run, the seventh argument
 */
    .text
    .globl  door_pass
    .type   door_pass, @function
door_pass:
    push    %rbx
    push    %rbp
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    mov     %rsp, -8(%rdx)
    mov     %rdi, -16(%rdx)
    lea     -32(%rdx), %rsp
    mov     %rsi, (%rsp)

    mov     %rdi, %rax
    fxrstor64 (%rax)
    mov     1024(%rax), %rdi
    mov     1032(%rax), %rsi
    mov     1040(%rax), %rdx
    mov     1064(%rax), %ecx
    mov     1048(%rax), %r8
    mov     $0x0909090909090909, %r9
    mov     $0x1010101010101010, %r10
    mov     $0x1111111111111111, %r11
    mov     $0x1212121212121212, %r12
    mov     $0x1313131313131313, %r13
    mov     $0x1414141414141414, %r14
    mov     $0x1515151515151515, %r15
    mov     $0xb0b0b0b0b0b0b0b0, %rbp
    push    1056(%rax)
    popfq
    call    sgx2_enter_enclave

    mov     %rax, 8(%rsp)
    mov     16(%rsp), %rax
    mov     %rdi, 1072(%rax)
    mov     %rsi, 1080(%rax)
    mov     %rdx, 1088(%rax)
    pushfq
    popq    1096(%rax)
    mov     %r8, 1104(%rax)
    mov     %r9, 1112(%rax)
    mov     %r10, 1120(%rax)
    mov     %r11, 1128(%rax)
    mov     %r12, 1136(%rax)
    mov     %r13, 1144(%rax)
    mov     %r14, 1152(%rax)
    mov     %r15, 1160(%rax)
    push    $2                      # before C: neither DF nor AC, whatever the enclave left
    popfq
    fxsave64 512(%rax)
    fninit
    mov     8(%rsp), %rax
    movl    $0x1f80, 8(%rsp)
    ldmxcsr 8(%rsp)
    mov     24(%rsp), %rsp
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbp
    pop     %rbx
    ret
    .size   door_pass, . - door_pass

    .section .note.GNU-stack, "", @progbits
