/* SPDX-License-Identifier: Apache-2.0 */
/*
 * touch.h - make the kernel add a page by reading it from outside, and survive a refusal
 *
 * The kernel adds a missing page (EAUG) when anyone faults on it, the host included, and answers
 * SIGBUS when it cannot. A system call that reads memory would turn that into EFAULT, but it would
 * also keep a model, which settles such faults by signal, from doing so. So the read is one
 * instruction at a known address, and a handler recovers from a fault at that address alone.
 */
#ifndef URTS_TOUCH_H
#define URTS_TOUCH_H

/* Read a byte of a page. 0, or -EFAULT if that raised SIGBUS or SIGSEGV and the guard is there. */
int touch_page(const void *page);

/*
 * touch_guard_install() - put the guard before the process's handlers of SIGBUS and SIGSEGV
 *
 * Once per process; later calls do nothing. Every signal that is not touch_page()'s goes to the
 * handler that was there, with the arguments, mask and flags that it asked for; if there was none,
 * to the default action. A handler installed later should chain likewise, or touch_page() can no
 * longer recover. Called before the device is opened, so that a model's handlers come before this
 * one, and settle what they can. 0 or a negative errno.
 */
int touch_guard_install(void);

#endif
