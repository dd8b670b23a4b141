/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.h - native enclave code on a software processor
 *
 * Enclave code runs as it is. What the processor would do differently in enclave mode arrives as a
 * signal - ENCLU is an illegal instruction, a refused page is a fault - and is carried out by
 * model/cpu on the interrupted registers.
 *
 * A handler starts with the FS and GS bases of the enclave: no TLS, no errno, no stack protector
 * until the host's are back. So each thread that enters has an area of its own, aligned to its
 * size, with its processor state at the bottom and its alternate signal stack above; the stack
 * pointer alone finds it. All areas lie in one reserved range, so a stack pointer outside it means
 * a thread that never entered an enclave.
 */
#ifndef MODEL_RUN_RUN_H
#define MODEL_RUN_RUN_H

/* Shared with assembly. */
#define THREAD_AREA_SIZE  0x20000 /* 128 KiB: state, guard, signal stack */
#define THREAD_AREA_SHIFT 17
#define THREAD_AREA_COUNT 8192

#define THREAD_HOST_FS  0 /* offsets in struct thread */
#define THREAD_HOST_GS  8
#define THREAD_SELECTOR 16
#define THREAD_IN_MODEL 17

#define BASES_FS       0 /* offsets in struct bases */
#define BASES_GS       8
#define BASES_SELECTOR 16

#define SUD_ALLOW 0
#define SUD_BLOCK 1

/* struct thread, in_model: how far an entry through enter.S has come. */
#define ENTRY_NONE  0 /* host code or enclave code runs */
#define ENTRY_BUSY  1 /* C of the model runs, maybe with locks: signals for the program wait */
#define ENTRY_READY 2 /* struct entry says all: a signal may take it from there */

/* struct entry, built on the host's stack by enter.S: offsets. */
#define ENTRY_RAX    0
#define ENTRY_RCX    8
#define ENTRY_RDX    16
#define ENTRY_RBX    24
#define ENTRY_RSP    32
#define ENTRY_RBP    40
#define ENTRY_RSI    48
#define ENTRY_RDI    56
#define ENTRY_R8     64
#define ENTRY_R9     72
#define ENTRY_R10    80
#define ENTRY_R11    88
#define ENTRY_R12    96
#define ENTRY_R13    104
#define ENTRY_R14    112
#define ENTRY_R15    120
#define ENTRY_RFLAGS 128
#define ENTRY_RIP    136
#define ENTRY_FS     144
#define ENTRY_GS     152
#define ENTRY_XSAVE  160
#define ENTRY_THREAD 168
#define ENTRY_INSIDE 176
#define ENTRY_SIZE   192

#ifndef __ASSEMBLER__

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ucontext.h>

#include "cpu/cpu.h"
#include "driver/enclave.h"

/* One host thread that has entered an enclave at least once. */
struct thread {
    uint64_t host_fs; /* bases while host code runs */
    uint64_t host_gs;
    uint8_t selector; /* Syscall User Dispatch: SUD_BLOCK while enclave code runs */
    uint8_t in_model; /* ENTRY_*; see there */
    bool used;        /* the area belongs to a thread */
    bool kicked;      /* a kick is on its way: one is enough */
    bool waiting;     /* a signal for the program came while ENTRY_BUSY: */
    int held_signal;  /* this one; all others are blocked, */
    siginfo_t held;
    uint64_t mask; /* and this is the mask as it was */
    int tid;
    struct entry *entry;     /* of an entry under way */
    stack_t program;         /* the alternate signal stack that the program believes to have */
    struct enclave *enclave; /* valid while cpu.enclave_mode */
    uint32_t place;          /* in its table of threads inside; likewise */
    uint64_t step_left;      /* instructions until the interrupt that was asked for; 0: none */
    uint8_t step_vector;
    struct cpu cpu;
};

/* What a trap returns to. */
struct bases {
    uint64_t fs, gs;
    uint8_t selector;
};

/* The state of an ENCLU issued by host code through enter.S, and what it becomes. */
struct entry {
    struct cpu_regs r;
    uint8_t *xsave; /* image of the extended state, loaded before going on */
    struct thread *thread;
    uint64_t inside; /* go on in enclave mode */
};

_Static_assert(offsetof(struct thread, host_fs) == THREAD_HOST_FS, "asm");
_Static_assert(offsetof(struct thread, host_gs) == THREAD_HOST_GS, "asm");
_Static_assert(offsetof(struct thread, selector) == THREAD_SELECTOR, "asm");
_Static_assert(offsetof(struct thread, in_model) == THREAD_IN_MODEL, "asm");
_Static_assert(offsetof(struct bases, selector) == BASES_SELECTOR, "asm");
_Static_assert(offsetof(struct cpu_regs, r15) == ENTRY_R15, "asm");
_Static_assert(offsetof(struct cpu_regs, rip) == ENTRY_RIP, "asm");
_Static_assert(offsetof(struct cpu_regs, gsbase) == ENTRY_GS, "asm");
_Static_assert(offsetof(struct entry, xsave) == ENTRY_XSAVE, "asm");
_Static_assert(offsetof(struct entry, thread) == ENTRY_THREAD, "asm");
_Static_assert(offsetof(struct entry, inside) == ENTRY_INSIDE, "asm");
_Static_assert(sizeof(struct entry) <= ENTRY_SIZE, "asm");

/* ---------------------------------------------------------------- enter.S, trap.S */

extern const char sgx2_enclu_insn[];  /* the ENCLU of sgx2_enter_enclave: its AEP too */
extern const char sgx2_enclu_next[];  /* after it: where EEXIT is told to go */
extern const char sgx2_enclu_fixup[]; /* where the kernel goes on after an exception there */
extern const char sgx2_window_start[], sgx2_window_end[]; /* half way in: see kick.c */
extern const char sgx2_sigreturn_start[], sgx2_sigreturn_end[];
extern const char sgx2_frame_return[]; /* where handlers called by deliver.c return to */
extern uint64_t sgx2_xsave_size;
extern uint8_t sgx2_has_fsgsbase;
extern uint64_t sgx2_areas_base, sgx2_areas_end;

void sgx2_trap_entry(int sig, siginfo_t *info, void *context);
void sgx2_restorer(void);

/* ---------------------------------------------------------------- thread.c */

/* This thread's area, made on first use. Aborts with a message if the machine refuses. */
struct thread *thread_self(void);

/* This thread's area, or NULL if it has none yet. */
struct thread *thread_current(void);

/*
 * The same as thread_self() in a signal handler of a thread that has none: the signal stack is in
 * force when the handler returns.
 */
void thread_adopt(ucontext_t *uc);

/* The kernel's signal stack of the thread is the area's again once this context is returned to. */
void thread_keep_stack(ucontext_t *uc);

/* Calls visit for each area in use. */
void thread_each(void (*visit)(struct thread *t, void *arg), void *arg);

/* ---------------------------------------------------------------- signals.c */

/* What rt_sigaction(2) takes. glibc's sigaction() would put its own restorer in. */
struct kernel_sigaction {
    void *handler;
    unsigned long flags;
    const void *restorer;
    uint64_t mask;
};

/* The signal that forces threads out of the enclave. Programs may use it as well. */
#define SIGNAL_KICK 64

#define SIGNAL_BIT(sig) (UINT64_C(1) << ((sig)-1))

/* The signals that mean something in an enclave. They are never blocked while one may run. */
#define SIGNALS_OURS                                                                               \
    (SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGFPE) |          \
     SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGSYS) | SIGNAL_BIT(SIGNAL_KICK))

/* Make sure that our handlers are in front, once a thread. All signals are blocked. */
void signals_install(void);

/* Is this signal the program's, whatever code it interrupts? Else it is an exception or a kick. */
bool signals_for_program(int sig, const siginfo_t *info);

/* What the program wants done with a signal that is about to be delivered. */
struct kernel_sigaction signals_action(int sig);

/* Let the default action happen. */
void signals_default(int sig, const siginfo_t *info);

/* Take what must not be blocked while an enclave may run out of a mask. */
void signals_open(uint64_t *mask);

/* The same; the program goes on believing that it is blocked. */
void signals_hide(uint64_t *mask);

/* Queue a signal to this thread once more, for when it is not blocked. */
void signals_again(int sig, const siginfo_t *info);

/* Send the kick. False: not now. */
bool signals_kick(int tid);

/* Recognise it; the second, which is vague, only on a thread that has one coming. */
bool signals_is_kick(int sig, const siginfo_t *info);
bool signals_is_old_kick(int sig, const siginfo_t *info);

/* ---------------------------------------------------------------- deliver.c */

/*
 * Hand a signal to the program, which runs outside any enclave in context uc. Its handler runs when
 * uc is returned to, on the stack and with the mask that it asked for. t is NULL for a thread
 * without area.
 */
void deliver_signal(int sig, siginfo_t *info, ucontext_t *uc, struct thread *t);

/* Keep a signal back, and all that follow, until the model is done with an entry. */
void deliver_later(int sig, const siginfo_t *info, ucontext_t *uc, struct thread *t);

/* The entry is done. If a signal was kept back, this does not return: trap.c goes on with it. */
void deliver_waiting(const struct thread *t);

/* ---------------------------------------------------------------- context.c */

void context_load(struct cpu *cpu, const ucontext_t *uc, const struct bases *bases);
void context_store(const struct cpu *cpu, ucontext_t *uc, struct bases *bases);

/* ---------------------------------------------------------------- enclu.c */

/* cpu->translate for native threads: translate_arg is the struct enclave. */
translate_fn run_translate;

/*
 * Carry out the ENCLU at cpu->r.rip, page faults settled as Linux would. On return the processor is
 * wherever the instruction led, or - after an exception - where the kernel goes on: at the vDSO's
 * fixup with vector, error code and address in RDI, RSI and RDX. False: there is no fixup for this
 * RIP; the event stands in *ret_event and a signal is due.
 */
bool run_enclu(struct thread *t, struct event *ret_event);

/*
 * An exception, or an interrupt, of enclave code that stands at cpu->r.rip. Result as above; after
 * an interrupt, or a fault that Linux settles, the enclave has been resumed.
 */
bool run_event(struct thread *t, struct event *event);

/* ---------------------------------------------------------------- step.c */

/* An entry takes up the interrupt that somebody armed, if one is. */
void step_arm(struct thread *t);

/* One instruction of enclave code is done. True: this is where the interrupt comes. */
bool step_count(struct thread *t);

/*
 * PUSHF and POPF at cpu->r.rip, whose flags the enclave must not mix with the ones that do the
 * stepping. True if one stood there and has been carried out.
 */
bool step_over_flags(struct thread *t);

/* An interrupt after which the host goes on, at the AEP. */
void run_leave(struct thread *t, const struct event *event);

/* An interrupt whose return the kernel bends: the host regains control, the enclave stays out. */
void run_interrupt_to_host(struct thread *t);

#define RFLAGS_TF UINT64_C(0x100)

/* ---------------------------------------------------------------- illegal.c, abort_page.c */

/*
 * The instruction at rip raised #GP or #BP natively: does the manual want #UD in enclave mode?
 */
bool illegal_in_enclave(struct enclave *e, uint64_t rip);

/*
 * Host code touched an enclave page that its page table permits: reads give ones, writes vanish.
 * True if the instruction has been carried out.
 */
bool abort_page_emulate(ucontext_t *uc);

#endif
#endif
