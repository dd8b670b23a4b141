/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.S - the parts of the image that ap-sign fills in, and the clean extended state
 *
 * The layout page is defined here and not in C so that no compiler can see that it is all zero
 * when it is compiled: ap-sign fills it after the link, before the measurement.
 */
#include "asm.h"

    .section .aperture, "a", @progbits
    .balign 4096
    .globl  ap_layout
    .hidden ap_layout
    .type   ap_layout, @object
ap_layout:
    .zero   4096
    .size   ap_layout, 4096

/* Not loaded: it holds the signature of the measurement. */
    .section .sigstruct, "", @progbits
    .zero   4096

/*
 * An XSAVE image whose XSTATE_BV is zero: XRSTOR gives every component its initial state and takes
 * only MXCSR from memory. 512 bytes of legacy region, 64 of header.
 */
    .section .rodata.clean_xstate, "a", @progbits
    .balign 64
    .globl  clean_xstate
    .hidden clean_xstate
    .type   clean_xstate, @object
clean_xstate:
    .short  0x37f           # FCW, for readers: the initial state has the same
    .zero   22
    .long   0x1f80          # MXCSR: every exception masked, round to nearest
    .zero   576 - 28
    .size   clean_xstate, 576

    .section .note.GNU-stack, "", @progbits
