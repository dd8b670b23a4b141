/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread.h - what the runtime knows about one thread slot
 *
 * The thread data stands where FS and GS point. It is measured as zero, so a null self means that
 * the slot was never entered. TLS lies directly below it (variant II), the phase-one exception
 * stack ends with its last page.
 *
 * Only the thread that is inside with the slot's TCS touches any of this: the processor admits one
 * at a time.
 */
#ifndef TRTS_THREAD_H
#define TRTS_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/arch.h"
#include "sgx_trts_exception.h"

/* What an ocall leaves on the trusted stack; ocall_leave() in entry.S builds it. */
struct ocall_frame {
    struct ocall_frame *prev; /*  0  next outer one of this slot, or NULL */
    int64_t index;            /*  8  0 or more: the author's; negative: AP_OCALL_* */
    uint32_t mxcsr;           /* 16  control words, which a callee preserves */
    uint16_t fcw;             /* 20 */
    uint16_t pad;             /* 22 */
    uint64_t saved[6];        /* 24  r15 r14 r13 r12 rbx rbp */
    uint64_t return_address;  /* 72 */
};
SGX_AT(ocall_frame, saved, 24);
SGX_SIZE(ocall_frame, 80);

/* One ecall in progress: the host's memory for the arguments of its ocalls. On its own stack. */
struct ecall_frame {
    struct ecall_frame *outer;
    uint64_t memory; /* wholly outside, 8-byte aligned; checked at entry */
    uint64_t size;
    uint64_t used; /* a multiple of 8; grows and shrinks with the ocalls, last in first out */
};

struct thread_data {
    struct thread_data *self;  /*  0  NULL until the first entry */
    struct ocall_frame *frame; /*  8  topmost outstanding ocall, or NULL */
    struct ecall_frame *ecall; /* 16  innermost ecall in progress, or NULL */
    uint64_t host_rsp;         /* 24  of the latest entry at CSSA 0 */
    uint64_t host_rbp;         /* 32 */
    uint64_t stack_guard;      /* 40  where compilers look for the canary: %fs:0x28 */
    uint64_t host_rip;         /* 48 */
    uint32_t critical;         /* 56  not 0: an exception now cannot be delivered */
    uint32_t tls_ready;        /* 60  TLS was set up */
    sgx_cpu_context_t resume;  /* 64  in transit from an exception frame to the registers */
};
SGX_AT(thread_data, stack_guard, 0x28);

/* A call needs at least this much stack, else it is refused. */
#define ENTER_ROOM_BYTES 4096

struct thread_data *thread_self(void);

/*
 * First entry of a slot: canary and self. False, and nothing changed, if the processor gives no
 * random number.
 */
bool thread_first_entry(struct thread_data *td);

/* .tdata copied, .tbss zero. After relocation: the template may hold pointers. */
void thread_setup_tls(struct thread_data *td);

/* The slot's stack: [low, high). */
struct stack_bounds {
    uintptr_t low, high;
};
struct stack_bounds thread_stack(const struct thread_data *td);

/*
 * A section that cannot bear an exception: a lock is held, or a structure is half changed. A real
 * one then crashes the enclave; a forged one is refused as always. Sections nest.
 */
void critical_enter(void);
void critical_leave(void);

/* Spins; the section that it guards is critical, makes no exit, and cannot fault by design. */
struct lock {
    uint32_t taken;
};
void lock_take(struct lock *lock);
void lock_drop(struct lock *lock);

#endif
