/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linked.h - the model as a part of the program, or of a library in front of it
 */
#ifndef MODEL_RUN_LINKED_H
#define MODEL_RUN_LINKED_H

/*
 * libc has two signals of its own, for pthread_cancel() and for setuid() and its like. It installs
 * their handlers when it first needs them, by ways that do not lead to the model. Have it done now,
 * so that they are found when the model puts its own in front. Once a process; no signal that libc
 * keeps for itself may be blocked.
 */
void linked_provoke_libc(void);

/* preload/signal.c: look up the functions that the calls go to while the model has no handlers. */
void signal_find_next(void);

#endif
