/* SPDX-License-Identifier: Apache-2.0 */
#include "state.h"

uint32_t trts_state = STATE_UNINIT;

enum state state_now(void)
{
    return (enum state)__atomic_load_n(&trts_state, __ATOMIC_ACQUIRE);
}

bool state_move(enum state from, enum state to)
{
    uint32_t expected = from;

    return __atomic_compare_exchange_n(&trts_state, &expected, (uint32_t)to, false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

void state_crash(void)
{
    __atomic_store_n(&trts_state, STATE_CRASHED, __ATOMIC_RELEASE);
}
