/* SPDX-License-Identifier: Apache-2.0 */
/* enclave.S - the two sections and the entry that every enclave image has */
    .section .aperture, "a", @progbits
    .balign 4096
    .zero 4096

    .section .sigstruct, "", @progbits
    .zero 4096

    .text
    .globl enclave_entry
    .hidden enclave_entry
    .type enclave_entry, @function
enclave_entry:
    ud2
    .size enclave_entry, . - enclave_entry

#ifdef ILLEGAL
    .globl speaks_to_the_kernel
    .hidden speaks_to_the_kernel
    .type speaks_to_the_kernel, @function
speaks_to_the_kernel:
    xorl %eax, %eax
    syscall
    ret
    .size speaks_to_the_kernel, . - speaks_to_the_kernel
#endif

    .section .note.GNU-stack, "", @progbits
