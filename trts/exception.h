/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exception.h - phase one of an exception: what happened, may it be delivered, and how
 *
 * Phase one runs at CSSA 1 on the slot's exception stack. Its code, like all of the runtime's, is
 * compiled without vector registers: those hold the host's values then.
 */
#ifndef TRTS_EXCEPTION_H
#define TRTS_EXCEPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/ssa.h"
#include "fixup.h"
#include "sgx_error.h"
#include "sgx_trts_exception.h"
#include "thread.h"

/* Below the interrupted RSP a leaf function may keep 128 bytes (System V ABI). */
#define RED_ZONE_BYTES 128

/* RFLAGS and RIP below the red zone: how exception_phase_two goes back. */
#define RESUME_ROOM_BYTES (RED_ZONE_BYTES + 16)

/* Stack that the handlers find below the frame, at least. */
#define HANDLER_ROOM_BYTES 2048

/* Everything the judgement depends on. */
struct exception_scene {
    const struct sgx_gprsgx *gpr;          /* of SSA[0] */
    bool thread_ready;                     /* the slot was entered before */
    uint32_t critical;                     /* thread_data.critical */
    uint64_t critical_begin, critical_end; /* text that bears no exception */
    uint64_t elrange_begin, elrange_end;
    const struct fixup *fixup_begin, *fixup_end;
    struct stack_bounds stack;
    uint64_t frame_size; /* sgx_exception_info_t with its XSAVE area */
};

enum exception_verdict {
    EXCEPTION_FORGED,  /* the processor reports none, or an impossible one: nothing is changed */
    EXCEPTION_FIXUP,   /* go on elsewhere: *ret_at is where */
    EXCEPTION_DELIVER, /* to the handlers: *ret_at is where the frame goes */
    EXCEPTION_BAD,     /* real, but in the middle of something: the enclave cannot go on */
    EXCEPTION_OVERRUN, /* real, but the stack has no room, or is not this thread's */
};

enum exception_verdict exception_judge(const struct exception_scene *scene, uint64_t *ret_at);

/*
 * Bytes of an XSAVE image with these components, standard format: an upper bound over the
 * processors that exist.
 */
uint64_t exception_xsave_size(uint64_t xfrm);

/*
 * Called by exception_entry.S. SGX_SUCCESS: SSA[0] is edited, ERESUME goes on in a handler or
 * behind a fixup. Otherwise the host must not resume.
 */
sgx_status_t exception_phase_one(uintptr_t tcs, struct thread_data *td);

/* exception_entry.S; where ERESUME continues. */
void exception_phase_two(void);

/* handlers.c; phase two. Returns if the thread shall go on with the context in info. */
void trts_exception(sgx_exception_info_t *info);

#endif
