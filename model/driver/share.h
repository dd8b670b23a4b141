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

/*
 * This process is about to end, with the enclave open. True if it is the last: all others that have
 * it have said the same, or are gone.
 */
bool share_end(struct enclave *e);

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
 * of another process was among them. `look`: see to those that are stopped, too.
 */
bool inside_interrupt(struct enclave *e, bool look);

/* A thread of this process that is inside: others may have moved its epoch on. */
void inside_catch_up(const struct enclave *e, uint32_t place, struct cpu *cpu);

/*
 * A thread inside, of process pid, that has an interrupt on its way: if it is stopped, it counts as
 * one of the current epoch. In stopped.c.
 */
void stopped_step_aside(struct enclave *e, struct epc_inside *in, int pid);

/* After a death that may have left the table and the processor's count apart. */
void inside_recover(struct enclave *e);

#endif
