/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hide.h - enclave memory that host code cannot see, if APERTURE_ABORT_PAGES=1 asks for it
 *
 * Without it the host sees what the enclave may: the model protects nothing. With it, every access
 * by host code to enclave memory is one to an abort page (run/redirect.h). Two ways:
 *
 * By key, where the processor has protection keys: all enclave memory has one, and only threads in
 * enclave mode have the right to use it. Exact, thread by thread.
 *
 * By mapping, elsewhere: enclave memory has no permission at all while no thread of this process is
 * inside. The first to enter restores the permissions and the last to leave takes them away, which
 * costs an mprotect per run of pages with one permission, and a look at each page. While one thread
 * is inside, the others of its process can see what it sees.
 *
 * Either way, a system call that is given an enclave address fails with EFAULT; on hardware the
 * kernel would read ones.
 */
#ifndef MODEL_DRIVER_HIDE_H
#define MODEL_DRIVER_HIDE_H

#include <stdbool.h>
#include <stddef.h>

struct enclave;

enum hide_way { HIDE_NOT, HIDE_BY_KEY, HIDE_BY_MAPPING };

/* Does the setting make sense? Else standard error says what it should be. */
bool hide_setting_ok(void);

/* Decided by the environment and the processor, once a process. */
enum hide_way hide_way(void);

/* The protection key of enclave memory, or -1. */
int hide_key(void);

/* mprotect(2) of enclave memory, which keeps it under the key. */
int hide_protect(void *at, size_t size, int prot);

/* By mapping, and nobody is inside: pages have no permission. */
bool hide_closed(const struct enclave *e);

/* By mapping: one thread more inside, or less. Locked. */
void hide_open(struct enclave *e);
void hide_close(struct enclave *e);

/* In a forked child, whose only thread is outside. */
void hide_after_fork(struct enclave *e);

#endif
