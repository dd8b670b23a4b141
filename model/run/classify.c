/* SPDX-License-Identifier: Apache-2.0 */
#include "run/classify.h"

#include <signal.h>
#include <string.h>

#include "arch/ssa.h"
#include "cpu/cpu.h"

#define OPCODE_INT3 0xcc
#define OPCODE_INT  0xcd
#define INT_LENGTH  2

static bool at_enclu(const struct trap *trap)
{
    static const uint8_t opcode[ENCLU_LENGTH] = {0x0f, 0x01, 0xd7};

    return trap->size >= sizeof opcode && memcmp(trap->code, opcode, sizeof opcode) == 0;
}

bool classify_leaf(const struct trap *trap)
{
    if (!at_enclu(trap))
        return false;
    switch (trap->sig) {
    case SIGILL:
        return trap->number == SGX_VECTOR_UD;
    case SIGSEGV:
        return trap->number == SGX_VECTOR_GP ||
               (trap->number == SGX_VECTOR_PF && !(trap->error & SGX_PFEC_I));
    case SIGBUS:
        return trap->number == SGX_VECTOR_PF && !(trap->error & SGX_PFEC_I);
    default:
        return false;
    }
}

/* In an enclave INT n is #UD, for all n, and so is SYSCALL: all are two bytes long. */
static struct meaning forbidden(uint8_t back)
{
    return (struct meaning){.class = TRAP_FAULT, .vector = SGX_VECTOR_UD, .back = back};
}

static struct meaning breakpoint(const struct trap *trap)
{
    if (trap->before[1] == OPCODE_INT3)
        return (struct meaning){.class = TRAP_BREAKPOINT, .back = 1};
    return forbidden(INT_LENGTH); /* CD 03 */
}

static struct meaning fault(const struct trap *trap)
{
    struct meaning meaning = {.class = TRAP_FAULT, .vector = (uint8_t)trap->number};

    if (trap->number == SGX_VECTOR_GP || trap->number == VECTOR_SS)
        meaning.error = trap->error;
    return meaning;
}

struct meaning classify_inside(const struct trap *trap)
{
    if (classify_leaf(trap))
        return (struct meaning){.class = TRAP_LEAF};
    switch (trap->sig) {
    case SIGSYS: /* SYSCALL or INT 80h, stepped over by the kernel */
        return forbidden(INT_LENGTH);
    case SIGTRAP:
        if (trap->number == SGX_VECTOR_BP)
            return breakpoint(trap);
        return (struct meaning){.class = TRAP_STEP};
    case SIGSEGV:
    case SIGBUS:
        if (trap->number == SGX_VECTOR_PF)
            return (struct meaning){.class = TRAP_PAGE_FAULT};
        if (trap->number == VECTOR_OF && trap->before[0] == OPCODE_INT)
            return forbidden(INT_LENGTH); /* CD 04: a trap natively */
        return fault(trap);
    default: /* SIGILL, SIGFPE */
        return fault(trap);
    }
}
