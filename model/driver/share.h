/* SPDX-License-Identifier: Apache-2.0 */
/*
 * share.h - one enclave, several processes
 *
 * All functions want the enclave's lock, unless they say otherwise.
 */
#ifndef MODEL_DRIVER_SHARE_H
#define MODEL_DRIVER_SHARE_H

#include <stdbool.h>
#include <stdint.h>

#include "driver/enclave.h"

/* ---------------------------------------------------------------- share.c: processes, changes */

/*
 * Bring this process's view in line with the file: its place in the table of processes, the mapping
 * of a file that somebody else has grown, the permissions that somebody else has changed. Called by
 * enclave_lock(), so that whoever holds the lock sees the enclave as it is.
 */
void share_catch_up(struct enclave *e);

/* A page's permission shrank, or it has another frame or none: the other processes must know. */
void share_page_changed(struct enclave *e, uint64_t page);

/* The owner of the lock died: repair what it may have left half done. */
void share_recover(struct enclave *e);

/* Leave the table of processes. True if nobody else is in it: the enclave ends with this view. */
bool share_leave(struct enclave *e);

/* Does process 1 + index still have the enclave? Needs no lock. */
bool share_alive(const struct enclave *e, uint32_t process);

/* ---------------------------------------------------------------- inside.c: threads inside */

/* A thread of this process has entered; its place in the table. Or it has left. */
uint32_t inside_enter(struct enclave *e, const struct cpu *cpu, void *thread, int tid);
void inside_leave(struct enclave *e, uint32_t place);

/*
 * Threads that died inside: the processor takes the asynchronous exit that it would have taken. Of
 * one process; or of all that are gone, true if there were any.
 */
void inside_bury(struct enclave *e, uint32_t process);
bool inside_bury_dead(struct enclave *e);

/*
 * Interrupt every thread that entered before the current tracking epoch; bury the dead. True if one
 * of another process was among them.
 */
bool inside_interrupt(struct enclave *e);

/* After a death that may have left the table and the processor's count apart. */
void inside_recover(struct enclave *e);

#endif
