/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trap.h - the floor under every exit of the model: what one trap costs on this machine
 */
#ifndef TESTS_BENCH_TRAP_H
#define TESTS_BENCH_TRAP_H

/*
 * Seconds for an illegal instruction, its signal on an alternate stack, and the return. Measured in
 * a process of its own, since the model owns SIGILL in this one.
 */
double trap_seconds(void);

#endif
