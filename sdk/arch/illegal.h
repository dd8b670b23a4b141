/* SPDX-License-Identifier: Apache-2.0 */
/*
 * illegal.h - instructions that raise #UD in enclave mode though applications may execute them
 *
 * SDM, "Illegal Instructions" of enclave programming. Mnemonics, for whichever disassembler the
 * user has: X(CPUID) ... Beside these: far calls, jumps and returns, and loads of a segment
 * register by MOV or POP, which are forms of legal instructions.
 */
#ifndef ARCH_ILLEGAL_H
#define ARCH_ILLEGAL_H

/* clang-format off */
#define SGX_ILLEGAL_INSTRUCTIONS(X)                                                        \
    X(CPUID) X(GETSEC) X(RDPMC) X(SGDT) X(SIDT) X(SLDT) X(STR) X(SMSW) X(VMCALL) X(VMFUNC) \
    X(IN) X(INSB) X(INSW) X(INSD) X(OUT) X(OUTSB) X(OUTSW) X(OUTSD)                        \
    X(INT) X(INTO) X(IRET) X(IRETD) X(IRETQ) X(LDS) X(LES) X(LFS) X(LGS) X(LSS)            \
    X(SYSCALL) X(SYSENTER)
/* clang-format on */

#endif
