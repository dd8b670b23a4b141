/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outcome.h - how a leaf's body states its checks (private to model/cpu)
 *
 * A body reads as the manual's list: one NEED per check, in the manual's order, and nothing is
 * written before the last one has passed. That is what makes "a refused leaf changes nothing" true.
 */
#ifndef MODEL_CPU_OUTCOME_H
#define MODEL_CPU_OUTCOME_H

#include "cpu/cpu.h"

static inline struct outcome leaf_done(uint32_t code)
{
    return (struct outcome){.kind = LEAF_DONE, .code = code};
}

/* A code that is told by CF and not by ZF: the leaf has found something, or has done its work. */
static inline struct outcome leaf_carry(uint32_t code)
{
    return (struct outcome){.kind = LEAF_DONE, .code = code, .carry = true};
}

static inline struct outcome leaf_ud(void)
{
    return (struct outcome){.kind = LEAF_UD};
}

static inline struct outcome leaf_gp(void)
{
    return (struct outcome){.kind = LEAF_GP};
}

static inline struct outcome leaf_pf(uint64_t addr, uint32_t pfec)
{
    return (struct outcome){.kind = LEAF_PF, .addr = addr, .pfec = pfec};
}

/* The two macros here that may return from the caller. */
#define NEED(cond, refusal)                                                                        \
    do {                                                                                           \
        if (!(cond))                                                                               \
            return (refusal);                                                                      \
    } while (0)

#define TRY(check)                                                                                 \
    do {                                                                                           \
        struct outcome outcome_ = (check);                                                         \
        if (outcome_.kind != LEAF_DONE)                                                            \
            return outcome_;                                                                       \
    } while (0)

#endif
