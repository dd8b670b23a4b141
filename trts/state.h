/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h - what the enclave as a whole is ready for
 *
 *     UNINIT --init--> RUNNING --> READY
 *        any state --crash--> CRASHED, for good
 *
 * One word, changed by compare-and-swap, so of two threads that initialise at once one wins.
 */
#ifndef TRTS_STATE_H
#define TRTS_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "sgx_error.h"

enum state {
    STATE_UNINIT = 0,  /* as measured */
    STATE_RUNNING = 1, /* one thread initialises; it may be out on an ocall */
    STATE_READY = 2,
    STATE_CRASHED = 3,
};

/* Read by entry.S too. */
extern uint32_t trts_state __attribute__((visibility("hidden")));

enum state state_now(void);

/* True if the state was from and is to now. */
bool state_move(enum state from, enum state to);

/* From now on every entry of every thread is refused with SGX_ERROR_ENCLAVE_CRASHED. */
void state_crash(void);

/* state_crash(), then leave the enclave at once; this thread's stack is abandoned. */
_Noreturn void crash(void);

/* entry.S: leave with AP_EXIT_RETURN. */
_Noreturn void trts_exit(sgx_status_t status);

#endif
