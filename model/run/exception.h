/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exception.h - the signal that Linux sends for an exception
 *
 * For programs that issue ENCLU themselves: what the vDSO does not fix up arrives as a signal, with
 * the synthetic state of the asynchronous exit or, if the leaf itself was refused, with the
 * registers as they were.
 */
#ifndef MODEL_RUN_EXCEPTION_H
#define MODEL_RUN_EXCEPTION_H

#include <signal.h>
#include <sys/ucontext.h>

#include "cpu/cpu.h"

/* Why Linux could not settle a page fault. */
enum refusal {
    REFUSED_NO_MAPPING, /* nothing is mapped there: SEGV_MAPERR */
    REFUSED_BY_MAPPING, /* the mapping's permission, or the EPCM: SEGV_ACCERR */
    REFUSED_BY_DRIVER,  /* the mapping permits, the driver has no page to give: SIGBUS */
};

/*
 * exception_signal() - write a signal for an exception into a frame
 * @event:  the exception; its address as software outside may see it
 * @why:    for a #PF
 * @info:   becomes the kernel's: si_signo, si_code, si_addr
 * @uc:     its registers are those that the program shall see; trap number, error code and CR2 are
 *          set
 *
 * Returns the signal's number.
 */
int exception_signal(const struct event *event, enum refusal why, siginfo_t *info, ucontext_t *uc);

#endif
