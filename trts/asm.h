/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asm.h - what every assembly file here begins with
 *
 * Everything in the section ap_critical is code during which no exception may be delivered: the
 * thread's stack, its flags or its bookkeeping are half way between two states. The linker gives
 * the section's bounds (__start_ap_critical, __stop_ap_critical), and exception.c judges by them.
 */
#ifndef TRTS_ASM_H
#define TRTS_ASM_H

#include "abi/call.h"
#include "arch/leaf.h"
#include "asm_offsets.h"

/* clang-format off */

/* By its bytes: assemblers disagree about when they know the mnemonic. Leaf in EAX. */
#define ENCLU .byte 0x0f, 0x01, 0xd7

#define CRITICAL .section ap_critical, "ax", @progbits

#define FUNC(name)     \
    .globl name;       \
    .hidden name;      \
    .type name, @function; \
    name:

#define END_FUNC(name) .size name, .- name

/* Bit 1 always reads as one; DF, AC, NT and TF are clear, and so are the arithmetic flags. */
#define CLEAN_FLAGS 2

/*
 * x87, SSE and every other component of the signed XFRM to their initial state, with MXCSR 0x1f80
 * and the x87 control word 0x37f. Destroys rax and rdx; needs no stack.
 */
#define CLEAN_XSTATE                                \
    mov     ap_layout+LAYOUT_XFRM(%rip), %eax;      \
    mov     ap_layout+LAYOUT_XFRM+4(%rip), %edx;    \
    xrstor64 clean_xstate(%rip)

#endif
