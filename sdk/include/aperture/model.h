/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.h - the software SGX2 as an instrument: counters, and a kernel that can be told to
 * misbehave
 *
 * These are ioctls on the enclave's file descriptor that only the model knows. A program that is
 * linked with the model issues them through sgx2_ioctl(); one that runs under ap-run, with
 * ioctl(2). On a real device each fails with ENOTTY, which is also how a program finds out where it
 * runs.
 */
#ifndef APERTURE_MODEL_H
#define APERTURE_MODEL_H

#include <stdint.h>
#include <sys/ioctl.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SGX2_MODEL_MAGIC 0xA5

/* ioctl(2) on a descriptor of the model: 0 or more, or a negative errno. Link -laperture_model. */
int sgx2_ioctl(int fd, unsigned long request, void *argument);

/*
 * What happened to one enclave since its device was opened. ENCLS and ENCLU are indexed by leaf
 * number; a leaf that faults or returns an error code counts too.
 *
 * The structure grows at its end only, by whole uint64_t, and no field ever changes its meaning.
 * The request carries the size that the caller was compiled with (_IOC_SIZE): the model writes that
 * many bytes, zeros where it knows less than the caller. So a program works with every model that
 * is older or newer than its header. SGX2_MODEL_ABI tells how much a model knows. Reading, naming,
 * subtracting and printing: aperture/counters.h. (Who appends a counter names it in
 * model/instrument/names.c.)
 *
 * Hardware's costs:
 */
struct sgx2_counters {
    uint64_t encls[16];
    uint64_t enclu[16];
    uint64_t eexit;       /* synchronous exits (also enclu[EEXIT]) */
    uint64_t aex;         /* asynchronous exits, whatever became of them */
    uint64_t exceptions;  /* of those: reported to the host by the vDSO */
    uint64_t page_faults; /* #PFs taken by the kernel on enclave pages, from inside or outside */
    uint64_t eaug_faults; /* of those: settled by EAUG */
    uint64_t ipis;        /* threads forced out of the enclave by SGX2 ioctls */
    uint64_t ioctl_create, ioctl_add_pages, ioctl_init, ioctl_provision;
    uint64_t ioctl_restrict, ioctl_modify_types, ioctl_remove;
    uint64_t mmaps, mprotects, munmaps; /* of enclave memory, by the host */
    uint64_t epc_pages, epc_pages_max;  /* in use now, and at most; version arrays count too */
    /* The model's own cost: */
    uint64_t traps;          /* signals taken */
    uint64_t host_mprotects; /* protection changes made to mirror the page table */
    /* Hardware's costs again. Each AEX is one of these three: */
    uint64_t aex_interrupts; /* an interrupt, an IPI, or a signal for the program */
    uint64_t aex_faults;     /* a page fault that the kernel settled: the enclave was resumed */
    uint64_t aex_exceptions; /* an exception that the host was told of */
    /* An EPC that is full: */
    uint64_t evicted, reloaded; /* pages written out by EWB; brought back by ELDU */
};

#define SGX2_MODEL_COUNTERS _IOR(SGX2_MODEL_MAGIC, 0, struct sgx2_counters)

/*
 * The same for one thread: what it did, inside or outside, and what the model did for it in its
 * ioctls and faults. An IPI counts where it arrives. epc_pages and epc_pages_max belong to no
 * thread: 0. A thread is its tid: if Linux gives the number to another thread later, that one
 * counts on in the same row. Rows last as long as the enclave. After some 4000 threads there may be
 * no row for another: such threads share SGX2_THREADS_REST. The rows add up to the enclave's
 * counters.
 *
 * 0; ESRCH: the thread has done nothing to this enclave. The size grows as above.
 */
struct sgx2_thread_counters {
    int64_t tid; /* in: a thread of any process, or SGX2_THREADS_REST; 0: the caller. out: it */
    struct sgx2_counters counters; /* out */
};

#define SGX2_THREADS_REST          (-1)
#define SGX2_MODEL_THREAD_COUNTERS _IOWR(SGX2_MODEL_MAGIC, 4, struct sgx2_thread_counters)

/* Go through the rows: in: 0, or the last answer; out: the next row's tid, 0 after the last. */
#define SGX2_MODEL_NEXT_THREAD _IOWR(SGX2_MODEL_MAGIC, 5, int64_t)

/* What this model is. Bytes beyond counters_size read as zeros, whatever size is asked for. */
struct sgx2_model_abi {
    uint64_t version;       /* SGX2_MODEL_ABI_VERSION of the model: rises when something is added */
    uint64_t counters_size; /* sizeof(struct sgx2_counters), likewise */
};

#define SGX2_MODEL_ABI_VERSION 1
#define SGX2_MODEL_ABI         _IOR(SGX2_MODEL_MAGIC, 6, struct sgx2_model_abi)

/*
 * One act of a hostile kernel, carried out at once. Whatever it does, it does with leaves that the
 * manual allows: the processor part of the model stays honest.
 */
enum sgx2_hostile_act {
    SGX2_HOSTILE_EAUG = 1,    /* EAUG a page at offset, whatever the driver's records say */
    SGX2_HOSTILE_REPLACE = 2, /* EREMOVE the page at offset, then EAUG a fresh one in its place */
    SGX2_HOSTILE_REMOVE = 3,  /* EREMOVE the page at offset and forget it */
    SGX2_HOSTILE_SKIP = 4,    /* the next RESTRICT or MODIFY_TYPES reports success, does nothing */
    SGX2_HOSTILE_DENY_EAUG = 5, /* page faults stop adding pages (value 1) or add again (value 0) */
    SGX2_HOSTILE_INTERRUPT =
        6,                  /* interrupt the next thread that enters after value instructions; */
                            /* do not resume it but tell the host of an exception `vector` */
    SGX2_HOSTILE_EVICT = 7, /* evict the page at offset now; nothing if it is out already */
    SGX2_HOSTILE_KEEP = 8,  /* keep a copy of what the backing store has for the evicted page */
    SGX2_HOSTILE_REPLAY =
        9, /* put the copy kept of the page at value there, for the evicted page */
           /* at offset: an older version of it, or another page */
};

struct sgx2_hostile {
    uint64_t act;    /* enum sgx2_hostile_act */
    uint64_t offset; /* bytes from the enclave's base, page aligned */
    uint64_t value;
    uint64_t vector; /* INTERRUPT: exception_vector of the vDSO's answer */
    uint64_t code;   /* out: what the last leaf returned in RAX */
};

/*
 * 0; EINVAL for an unknown act or offset, for EVICT of no page, for KEEP and REPLAY of a page that
 * is not evicted, for REPLAY of what was not kept; EIO if a leaf faulted; EPERM if a leaf refused:
 * code.
 */
#define SGX2_MODEL_HOSTILE _IOWR(SGX2_MODEL_MAGIC, 1, struct sgx2_hostile)

/* One page as the EPCM has it, for checkers that compare a runtime's belief with the truth. */
struct sgx2_epcm_query {
    uint64_t offset;  /* in: bytes from the enclave's base */
    uint64_t present; /* out: 1 if the driver has a page there */
    uint64_t secinfo; /* out: EPCM as SECINFO.FLAGS: R, W, X, PENDING, MODIFIED, PR, PT */
    uint64_t evicted; /* out: 1 if the page is out; secinfo is then what EWB wrote */
};

#define SGX2_MODEL_EPCM _IOWR(SGX2_MODEL_MAGIC, 2, struct sgx2_epcm_query)

/* Why the last ENCLAVE_INIT failed: EINIT's code, which Linux only logs. */
#define SGX2_MODEL_EINIT_CODE _IOR(SGX2_MODEL_MAGIC, 3, uint64_t)

/*
 * The rules by which the kernel misbehaves from now on, in the language of aperture-hostile(5): all
 * at once, in place of those before, those of acts included. No text, no rules. Other processes
 * that have the enclave are under them as well.
 *
 * EINVAL: the text is wrong: line, column and message say where and how; nothing has changed.
 * EFAULT: there is no such text.
 */
struct sgx2_rules {
    uint64_t text; /* in: its address, and its size in bytes */
    uint64_t size;
    uint32_t line, column; /* out: of the error, from 1; 0 if there is none */
    char message[320];     /* out: a sentence */
};

#define SGX2_MODEL_RULES _IOWR(SGX2_MODEL_MAGIC, 32, struct sgx2_rules)

/* How often the rule in a line of the text was asked, and struck. EINVAL: there is none. */
struct sgx2_struck {
    uint64_t line; /* in: from 1 */
    uint64_t seen; /* out: occurrences of its operation, on its page */
    uint64_t struck;
};

#define SGX2_MODEL_STRUCK _IOWR(SGX2_MODEL_MAGIC, 33, struct sgx2_struck)

/*
 * A debugger's access to a debug enclave: EDBGRD and EDBGWR of eight bytes, whatever the page's
 * permissions. On Linux ptrace(2) and /proc/PID/mem do this; the model cannot be behind those, so a
 * debugger for it takes the enclave's descriptor (pidfd_getfd(2), or /proc/PID/fd) and these.
 *
 * EDBGWR is the only way to set TCS.FLAGS.DBGOPTIN. In a thread that enters by such a TCS, INT3 is
 * #BP, not #UD, and the trap flag works; both arrive as SIGTRAP with RIP at the AEP.
 */
struct sgx2_debug_word {
    uint64_t offset; /* bytes from the enclave's base, a multiple of eight */
    uint64_t value;  /* EDBGRD: out, if it succeeded; EDBGWR: in */
    uint64_t code;   /* out: what the leaf returned in RAX */
};

/*
 * 0; EINVAL for an offset beyond ELRANGE or not aligned; EFAULT if the enclave is no debug enclave
 * or has no page there; EIO if the leaf refused: a TCS beyond its fields, or written elsewhere than
 * FLAGS, or a page that is pending or modified. Nothing was written then.
 */
#define SGX2_MODEL_EDBGRD _IOWR(SGX2_MODEL_MAGIC, 48, struct sgx2_debug_word)
#define SGX2_MODEL_EDBGWR _IOWR(SGX2_MODEL_MAGIC, 49, struct sgx2_debug_word)

#ifdef __cplusplus
}
#endif
#endif
