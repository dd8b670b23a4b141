/* SPDX-License-Identifier: Apache-2.0 */
/*
 * int touch_page(const void *page)
 *
 * touch_load is the only instruction that may fault; the guard (touch.c) moves a thread that faults
 * there to touch_refused.
 */
    .text
    .globl touch_page, touch_load, touch_refused
    .hidden touch_load, touch_refused
    .type touch_page, @function
touch_page:
    .cfi_startproc
    endbr64
    xorl %eax, %eax
touch_load:
    movb (%rdi), %cl
    ret
touch_refused:
    movl $-14, %eax             # -EFAULT
    ret
    .cfi_endproc
    .size touch_page, . - touch_page

    .section .note.GNU-stack, "", @progbits
