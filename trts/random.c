/* SPDX-License-Identifier: Apache-2.0 */
#include "random.h"

/* The manual recommends ten tries; a healthy processor needs one. */
#define RDRAND_TRIES 10

/* Part of a slot's first entry, before there is a canary: see thread.c. */
__attribute__((no_stack_protector)) bool random_u64(uint64_t *ret_value)
{
    for (unsigned i = 0; i < RDRAND_TRIES; i++) {
        uint64_t value;
        uint8_t ok;

        __asm__ volatile("rdrand %0; setc %1" : "=r"(value), "=qm"(ok) : : "cc");
        /* Some processors report success with all ones after a suspend. */
        if (ok && value != 0 && value != UINT64_MAX) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}
