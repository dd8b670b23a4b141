# SPDX-License-Identifier: Apache-2.0
#
# int raw_enter_on(struct op *op, unsigned function, struct sgx_enclave_run *run, void *stack_top)
#
# sgx2_enter_enclave() keeps only RBX, RBP and RSP; the enclave leaves its own R12 to R15.
#
# The call is made on a stack of its own, from its top. An enclave that is resumed leaves through the
# RSP and RBP of the call that it was entered by, so that call and the resuming one must stand at the
# same place.
    .text
    .globl  raw_enter_on
    .type   raw_enter_on, @function
raw_enter_on:
    push    %rbx
    push    %rbp
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    mov     %rsp, -16(%rcx)             # 16-byte aligned with two words on the new stack
    lea     -16(%rcx), %rsp
    push    $0
    push    %rdx                        # the seventh argument
    mov     %esi, %ecx
    xor     %esi, %esi
    xor     %edx, %edx
    call    sgx2_enter_enclave
    mov     16(%rsp), %rsp
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbp
    pop     %rbx
    cld
    ret
    .section .note.GNU-stack, "", @progbits
