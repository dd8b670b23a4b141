/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After arch/x86/kernel/traps.c and arch/x86/mm/fault.c of Linux 6.
 */
#include "run/exception.h"

#include <string.h>

#include "run/classify.h"

struct kind {
    int sig, code;
    bool at_rip; /* si_addr is the address of the instruction */
};

static struct kind kind_of(uint8_t vector)
{
    switch (vector) {
    case SGX_VECTOR_DE:
        return (struct kind){SIGFPE, FPE_INTDIV, true};
    case SGX_VECTOR_DB:
        return (struct kind){SIGTRAP, TRAP_TRACE, true};
    case SGX_VECTOR_BP:
        return (struct kind){SIGTRAP, SI_KERNEL, false};
    case SGX_VECTOR_UD:
        return (struct kind){SIGILL, ILL_ILLOPN, true};
    case VECTOR_SS:
        return (struct kind){SIGBUS, SI_KERNEL, false};
    case SGX_VECTOR_AC:
        return (struct kind){SIGBUS, BUS_ADRALN, false};
    case SGX_VECTOR_MF: /* of the synthetic state, which says "invalid operation" */
    case SGX_VECTOR_XM:
        return (struct kind){SIGFPE, FPE_FLTINV, true};
    default: /* #GP, #BR, #OF */
        return (struct kind){SIGSEGV, SI_KERNEL, false};
    }
}

static struct kind page_fault_kind(enum refusal why)
{
    switch (why) {
    case REFUSED_BY_DRIVER:
        return (struct kind){SIGBUS, BUS_ADRERR, false};
    case REFUSED_BY_MAPPING:
        return (struct kind){SIGSEGV, SEGV_ACCERR, false};
    default:
        return (struct kind){SIGSEGV, SEGV_MAPERR, false};
    }
}

int exception_signal(const struct event *event, enum refusal why, siginfo_t *info, ucontext_t *uc)
{
    greg_t *gregs = uc->uc_mcontext.gregs;
    const bool page_fault = event->vector == SGX_VECTOR_PF;
    const struct kind kind = page_fault ? page_fault_kind(why) : kind_of(event->vector);

    memset(info, 0, sizeof *info);
    info->si_signo = kind.sig;
    info->si_code = kind.code;
    if (page_fault)
        info->si_addr = (void *)(uintptr_t)event->addr;
    else if (kind.at_rip)
        info->si_addr = (void *)(uintptr_t)gregs[REG_RIP];
    gregs[REG_TRAPNO] = event->vector;
    gregs[REG_ERR] = event->errcd;
    if (page_fault)
        gregs[REG_CR2] = (greg_t)event->addr;
    return kind.sig;
}
