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
 *                          hostile act put another one there; spare frames follow
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

#define EPC_SPARE_FRAMES 1024u
#define EPC_SECS_FRAME   0u

#define EPC_MAGIC     UINT64_C(0x4350453253475853) /* "SXGS2EPC", backwards */
#define EPC_PROCESSES 256u
#define EPC_INSIDE    8192u
#define EPC_CHANGES   256u

/*
 * One process that has a view of the enclave. It holds a lock on byte `index` of the file, by an
 * open file description of its own, for as long as it lives: that, not pid, says it is alive.
 */
struct epc_process {
    int32_t pid;   /* 0: free */
    uint64_t mark; /* for run_kick_other() */
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
    uint64_t einit_code;                                /* what the last EINIT returned */
    uint64_t hostile_skips;    /* SGX2 ioctls that shall report success and do nothing */
    bool deny_eaug;            /* page faults add no pages */
    uint64_t interrupt_after;  /* instructions until the next entry is interrupted; 0: never */
    uint64_t interrupt_vector; /* what the host is told then */

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
};

/* What the driver knows of one page of ELRANGE. All zero: no page there. */
struct record {
    uint32_t frame;
    uint8_t present;
    uint8_t type;     /* enum sgx_page_type */
    uint8_t max_prot; /* vm_max_prot_bits: PROT_* */
    uint8_t unused;
};

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

/* One EPC page more or less. epcfile_full(): the EPC has none left for this enclave. */
bool epcfile_full(const struct enclave *e);
void epcfile_count_page(struct enclave *e);
void epcfile_uncount_page(struct enclave *e);

/* Give a frame's memory back; it reads as zeroes afterwards. */
void epcfile_discard(struct enclave *e, uint64_t frame);

#define COUNT(e, field) __atomic_fetch_add(&(e)->file->counters.field, 1, __ATOMIC_RELAXED)

#endif
