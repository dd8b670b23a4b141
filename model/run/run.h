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
#define THREAD_RESUME   24
#define THREAD_CODE     0x2000 /* a page of code of its own, in a hosted program; see trap.S */

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
#include "driver/hostile.h"

/* Interrupts that come at chosen instructions. All zero: enclave code runs by itself. */
struct step {
    bool on;
    bool tells;        /* the host is told of an exception `vector`, not resumed */
    uint8_t vector;    /* then */
    uint64_t left;     /* instructions until the next interrupt; 0: they do not count */
    uint64_t every;    /* and from then on; 0: it was the only one */
    uint64_t from, to; /* or after each instruction at these addresses, if from <= to */
    uint64_t at;       /* the instruction that is about to run */
};

/* What a host keeps over a call of an enclave, and the enclave hands back. */
struct kept {
    uint64_t rsp, rbp, rflags;
    uint32_t mxcsr;
    uint16_t fcw;
};

/* A rule gave the enclave of this TCS other values than the host's. */
struct disguise {
    bool on;
    uint64_t tcs;
    struct kept told, real; /* real: as they were at the latest entry */
};

/* Entries that a hostile kernel has made on its own, in place of a resumption. */
struct reentry {
    unsigned depth;
    uint64_t tcs, aep;
};

/* One host thread that has entered an enclave at least once. */
struct thread {
    uint64_t host_fs; /* bases while host code runs */
    uint64_t host_gs;
    uint8_t selector; /* Syscall User Dispatch: SUD_BLOCK while enclave code runs */
    uint8_t in_model; /* ENTRY_*; see there */
    bool used;        /* the area belongs to a thread */
    bool kicked;      /* a kick is on its way: one is enough */
    bool kick_missed; /* one came while ENTRY_BUSY: it is due when the entry is complete */
    bool waiting;     /* a signal for the program came while ENTRY_BUSY: see held_signal */
    uint64_t resume;  /* where the program goes on after a system call that its code page makes */
    int held_signal;  /* the one that waits; all others are blocked, */
    siginfo_t held;
    uint64_t mask; /* and this is the mask as it was */
    int tid;
    struct entry *entry;     /* of an entry under way */
    stack_t program;         /* the alternate signal stack that the program believes to have */
    struct enclave *enclave; /* valid while cpu.enclave_mode */
    uint32_t place;          /* in its table of threads inside; likewise */
    struct step step;        /* while enclave code is watched instruction by instruction */
    struct disguise disguise;
    struct reentry reentry;
    struct hosted *hosted; /* of a hosted program's thread */
    bool opened;           /* counted among those for whom enclave memory is open: driver/hide.h */
    uint8_t refusal;       /* enum refusal, of the last #PF that was not settled */
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
_Static_assert(offsetof(struct thread, resume) == THREAD_RESUME, "asm");
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

/*
 * A hosted program has a libc, thread pointers and system calls of its own, in the process of a
 * loader that has the model: see preload/hosted.h. All its system calls trap.
 */
extern uint8_t sgx2_hosted;
extern const char sgx2_code_start[], sgx2_code_pass[], sgx2_code_done[], sgx2_code_end[];

/*
 * Asked about every signal of a hosted program outside enclaves, before anybody else. True: it was
 * a system call, or the loader's. Else the signal is as any other; uc may have been changed.
 */
extern bool (*run_hosted)(int sig, const siginfo_t *info, ucontext_t *uc, struct thread *t,
                          struct bases *bases);

/* ---------------------------------------------------------------- thread.c */

/* This thread's area, made on first use. Aborts with a message if the machine refuses. */
struct thread *thread_self(void);

/* This thread's area, or NULL if it has none yet. */
struct thread *thread_current(void);

/*
 * The same for a thread that a signal has interrupted in context uc, which it goes on with. All
 * signals are blocked. In a handler, the signal stack is in force when that returns; but if the
 * handler runs on a signal stack, not even rt_sigreturn(2) gives the thread another.
 */
void thread_adopt(ucontext_t *uc, bool in_handler);

/* The kernel's signal stack of the thread is the area's again once this context is returned to. */
void thread_keep_stack(ucontext_t *uc);

/* Arm Syscall User Dispatch for this thread, whose area t is: a new process starts without. */
void thread_dispatch(struct thread *t);

/* Could one more thread enlist? */
bool thread_room(void);

/* sigaltstack(2) of a thread whose stack pointer is sp. 0 or a negative errno. */
int thread_exchange_stack(struct thread *t, uint64_t sp, const stack_t *stack, stack_t *old);

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

/* rt_sigaction(2), with the structure that it takes. 0 or a negative errno. */
int signals_exchange(int sig, const struct kernel_sigaction *new, struct kernel_sigaction *ret_old);

/* rt_sigprocmask(2) of a thread whose mask is not in force but *mask. 0 or -EINVAL. */
int signals_change(uint64_t *mask, int how, const uint64_t *set, uint64_t *old);

/* Signals of ours that this thread's program believes to be blocked. A new thread inherits them. */
uint64_t signals_withheld(void);
void signals_withhold(uint64_t set);

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

/* The floating-point unit as a new program has it. */
void deliver_fp_init(ucontext_t *uc);

/* Keep a signal back, and all that follow, until the model is done with an entry. */
void deliver_later(int sig, const siginfo_t *info, ucontext_t *uc, struct thread *t);

/* An entry led to a trap that the program is to have: when the entry is done, as above. */
void deliver_trap(int sig, const siginfo_t *info, struct thread *t);

/* Make a thread one that may enter, then go on with uc. It has no area yet. */
void deliver_adoption(int sig, siginfo_t *info, ucontext_t *uc);

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

/* What ENCLU raises where there is no enclave at RBX. */
struct event run_no_enclave(const struct cpu_regs *r);

/*
 * An exception, or an interrupt, of enclave code that stands at cpu->r.rip. Result as above; after
 * an interrupt, or a fault that Linux settles, the enclave has been resumed.
 */
bool run_event(struct thread *t, struct event *event);

/* ---------------------------------------------------------------- cpuid_fault.c */

#define CPUID_LENGTH 2

struct sgx2_cpuid;

/* What the machine's own CPUID says, whether it faults for programs or not. */
void cpuid_native(uint32_t leaf, uint32_t subleaf, struct sgx2_cpuid *ret);

/* A trap of host code. True if it was CPUID, which has been carried out. */
bool cpuid_emulate(int sig, ucontext_t *uc);

/* ---------------------------------------------------------------- step.c */

/*
 * A passage begins by operation, RULE_ENTER or RULE_RESUME: do the rules want it stepped? If so,
 * result as run_event(): the first instruction may be one that must not run. Only if hostile().
 */
bool step_arm(struct thread *t, enum rule_operation operation, struct event *ret_event);

/* An instruction of enclave code that is stepped is done. Result as run_event(). */
bool step_done(struct thread *t, struct event *ret_event);

/* Enclave code is about to go on. */
static inline void step_go(struct thread *t);

/* ---------------------------------------------------------------- hostile.c */

/*
 * The host's EENTER or ERESUME in cpu->r, as run_enclu() but for the rules. Only if hostile().
 * False: enter after all.
 */
bool hostile_entry(struct thread *t, enum rule_operation operation);

/* The enclave was left, by operation RULE_EXIT or RULE_AEX; cpu->r is what the host shall see. */
void hostile_left(struct thread *t, enum rule_operation operation);

/* After EEXIT: was this the end of an entry of the kernel's own? Then cpu->r resumes. */
bool hostile_resumes(struct thread *t);

/*
 * After an asynchronous exit, in place of resuming. True: cpu->r is where the host goes on.
 * Otherwise it is an ENCLU that the kernel issues.
 */
bool hostile_stays_out(struct thread *t);

/*
 * While t->disguise.on: the registers before an entry are the host's real ones; it gets them back
 * in place of those that the enclave was told.
 */
void hostile_note_registers(struct thread *t);
void hostile_undisguise(struct thread *t);

/* ---------------------------------------------------------------- enclu.c, continued */

/* run_enclu() for an entry that the host asks for. */
bool run_entry(struct thread *t, struct event *ret_event);

/* The vDSO's fixup with an exception. False: cpu->r.rip is not at its ENCLU. */
bool run_tell(struct thread *t, const struct event *event);

/* An interrupt after which the host goes on, at the AEP. */
void run_leave(struct thread *t, const struct event *event);

/* An interrupt whose return the kernel bends: the host regains control, the enclave stays out. */
void run_interrupt_to_host(struct thread *t);

#define RFLAGS_TF UINT64_C(0x100)

/* Vectors of interrupts; no enclave sees them. */
#define VECTOR_IPI   0xfd
#define VECTOR_TIMER 0xec

static inline void step_go(struct thread *t)
{
    if (t->step.on && t->cpu.enclave_mode) {
        t->step.at = t->cpu.r.rip;
        t->cpu.r.rflags |= RFLAGS_TF;
    }
}

/* ---------------------------------------------------------------- illegal.c, abort_page.c */

/*
 * The instruction at rip raised #GP or #BP natively: does the manual want #UD in enclave mode?
 */
bool illegal_in_enclave(struct enclave *e, uint64_t rip);

/*
 * Host code touched enclave memory that it must not see: reads give ones, writes vanish. True if
 * the instruction has been carried out, or is about to be in a stub: see redirect.h, also for
 * hidden.
 */
bool abort_page_emulate(ucontext_t *uc, bool (*hidden)(uint64_t address, bool write));

/* Index in gregs of the general registers, in their order of encoding: RAX, RCX, ... R15. */
extern const int context_encoding[16];

/* The bytes at a host address, as many as are there. */
size_t fetch_host(uint64_t rip, uint8_t *to, size_t size);

#endif
#endif
