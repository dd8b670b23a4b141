/* SPDX-License-Identifier: Apache-2.0 */
/*
 * epcfile.h - the memory file that is an enclave
 *
 * On Linux the file descriptor is the enclave. Here it is a memory file that holds all that belongs
 * to the enclave and nothing that belongs to one process: no pointers. From its start:
 *
 *     struct epc_file      the driver's and the processor's state
 *     records[]            one per page of ELRANGE: the driver's belief (an xarray on Linux)
 *     epcm[]               one per frame: the processor's belief
 *     frames[]             frame 0 is the SECS; frame 1 + i serves page i of ELRANGE unless a
 *                          hostile act put another one there; spare frames follow, then those of
 *                          version arrays
 *     backing, kept        outside the EPC: evicted pages as EWB wrote them, and copies of such
 *                          that a hostile kernel keeps (backing.c)
 *     slots[]              which slots of the version arrays are taken: a bit each (version.c)
 *
 * The file is sparse: a page of ELRANGE that was never touched costs nothing.
 *
 * Several processes may have it: by fork, or by a descriptor sent over a socket (attach.c). Each
 * has its own struct enclave: mappings and page table. What one of them changes about pages, the
 * others learn from the generation count whenever they take the lock (share.c).
 */
#ifndef MODEL_DRIVER_EPCFILE_H
#define MODEL_DRIVER_EPCFILE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "aperture/model.h"
#include "cpu/cpu.h"
#include "driver/profile.h"
#include "driver/rules.h"

#define EPC_SPARE_FRAMES 1024u
#define EPC_SECS_FRAME   0u

#define EPC_MAGIC     UINT64_C(0x4350453253475853) /* "SXGS2EPC", backwards */
#define EPC_PROCESSES 256u
#define EPC_INSIDE    8192u
#define EPC_CHANGES   256u
#define EPC_THREADS   4096u /* rows of counters, count.h */

/*
 * One process that has a view of the enclave. It holds a lock on byte `index` of the file, by an
 * open file description of its own, for as long as it lives: that, not pid, says it is alive.
 */
struct epc_process {
    int32_t pid;   /* 0: free */
    bool ended;    /* it is on its last instructions: no more will be counted */
    uint64_t mark; /* for run_kick_other() */
};

/* Room for every page of ELRANGE, and the SECS behind them, as they stand outside the EPC. */
struct epc_images {
    uint64_t pages_at, pcmds_at; /* byte offsets */
};

#define EPC_BATCH 16u /* pages that leave together: SGX_NR_TO_SCAN */

/* What the driver needs for evicting pages; see reclaim.h. Zero at first. */
struct epc_reclaim {
    uint64_t versioned;           /* pages that may need a slot: the SECS, and all with a record */
    uint32_t va_first, va_frames; /* frames that version arrays may have */
    uint32_t va_used;             /* of those, from the first */
    uint32_t slot_hint;           /* no word of slots[] below this one has a free slot */
    uint64_t slots_at;            /* byte offset */
    struct epc_images backing, kept;

    uint32_t first, last, count; /* the pages that may be evicted, in order: 1 + page, 0: none */
    uint32_t secs_slot;          /* while it is evicted */
    bool secs_out;

    uint32_t leaving_next, leaving_count; /* a batch under way: leaving[next, count) */
    uint64_t leaving[EPC_BATCH];
};

/* One thread of some process that is in enclave mode: enough to interrupt it, or to bury it. */
struct epc_inside {
    uint32_t process; /* 1 + index; 0: free */
    uint32_t next;    /* while free: 1 + the next free one; 0: none */
    int32_t tid;
    uint64_t epoch;
    uint64_t thread;                        /* struct thread *, in its process */
    uint64_t tcs, tcs_frame, ssa_gpr_frame; /* as in struct cpu */
};

struct epc_file {
    uint64_t magic;       /* EPC_MAGIC */
    uint64_t header_size; /* sizeof(struct epc_file): another build's file is not attached */
    uint32_t ioctl_owner; /* 1 + index of the process whose ioctl runs; 0: none. Atomic, no lock */

    pthread_mutex_t lock; /* process-shared; guards everything below, and the arrays */

    /* Driver. */
    bool created;     /* ECREATE succeeded */
    bool initialized; /* EINIT succeeded */
    enum sgx2_profile profile;
    uint64_t epc_limit;  /* EPC pages that this enclave may have */
    uint64_t base, size; /* ELRANGE; valid once created */
    uint64_t attributes; /* SECS.ATTRIBUTES.FLAGS as given to ECREATE */
    uint64_t allowed;    /* attributes that EINIT may have */
    uint64_t frame_count;
    uint64_t records_at, epcm_at, frames_at, file_size; /* byte offsets */
    struct epc_reclaim reclaim;
    uint64_t einit_code; /* what the last EINIT returned */
    struct rules rules;  /* of a hostile kernel */

    /* Processor. */
    struct enclave_state state;
    struct platform platform;

    struct sgx2_counters counters;

    /*
     * Pages whose permission shrank or whose frame changed: the last EPC_CHANGES of them, the n-th
     * at n % EPC_CHANGES. A process that is further behind looks at every page it has mapped.
     */
    uint64_t generation; /* how many there were */
    uint64_t changes[EPC_CHANGES];

    struct epc_process processes[EPC_PROCESSES];
    uint32_t inside_used; /* inside[0, inside_used) were in use at some time */
    uint32_t inside_free; /* 1 + the first free one among those; 0: none */
    struct epc_inside inside[EPC_INSIDE];

    /*
     * Counters of each thread that ever met the enclave, count.h. No lock: a row is taken once, by
     * an atomic exchange of its tid. The last row is for those that find none.
     */
    bool reported; /* a summary at the enclave's end has been printed, with these counters */
    struct sgx2_counters reported_counters;
    int32_t thread_tids[EPC_THREADS];
    struct sgx2_counters thread_counters[EPC_THREADS + 1];
};

enum record_where {
    RECORD_IN,      /* in the EPC */
    RECORD_LEAVING, /* blocked: a batch that leaves has it */
    RECORD_OUT,     /* evicted */
};

/* What the driver knows of one page of ELRANGE. All zero: no page there. */
struct record {
    uint32_t frame;          /* RECORD_OUT: its slot of the version arrays instead */
    uint32_t next, previous; /* while listed: as in struct epc_reclaim */
    uint8_t present;
    uint8_t type;      /* enum sgx_page_type */
    uint8_t max_prot;  /* vm_max_prot_bits: PROT_* */
    uint8_t where : 2; /* enum record_where */
    uint8_t listed : 1;
    uint8_t young : 1; /* somebody faulted it in since the reclaimer last looked */
    uint8_t unused : 4;
};
_Static_assert(sizeof(struct record) == 16, "records do not straddle pages");

struct enclave;

/* A new memory file with a header only. The descriptor, or a negative errno. */
int epcfile_new(int flags);

/* Map the header of the memory file behind fd, or NULL if it is none of ours. */
struct epc_file *epcfile_header(int fd);
void epcfile_unmap_header(struct epc_file *file);

/* Grow the file for an ELRANGE of size bytes. */
int epcfile_grow(struct enclave *e, uint64_t size);

/* Map all of a file that has been grown into e->epc and e->records. */
int epcfile_map(struct enclave *e);
void epcfile_unmap(struct enclave *e);

/* One EPC page more or less. Whether there is room for one: reclaim_room(). */
void epcfile_count_page(struct enclave *e);
void epcfile_uncount_page(struct enclave *e);

/* Give memory of the file back: whole pages, which read as zeroes afterwards. */
void epcfile_punch(struct enclave *e, uint64_t at, uint64_t size);

/* The same for a frame. */
void epcfile_discard(struct enclave *e, uint64_t frame);

#endif
