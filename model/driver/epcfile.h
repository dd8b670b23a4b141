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
 */
#ifndef MODEL_DRIVER_EPCFILE_H
#define MODEL_DRIVER_EPCFILE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "aperture/model.h"
#include "cpu/cpu.h"

#define EPC_SPARE_FRAMES 1024u
#define EPC_SECS_FRAME   0u

struct epc_file {
    pthread_mutex_t lock; /* process-shared; guards everything below, and the arrays */

    /* Driver. */
    bool created;        /* ECREATE succeeded */
    bool initialized;    /* EINIT succeeded */
    bool ioctl_busy;     /* an ioctl runs; a second one gets -EBUSY */
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
int epcfile_new(int flags, struct epc_file **ret_file);

/* Grow the file for an ELRANGE of size bytes and map all of it into e->epc and e->records. */
int epcfile_grow(struct enclave *e, uint64_t size);

/* Undo epcfile_grow(). */
void epcfile_shrink(struct enclave *e);

/* Give a frame's memory back; it reads as zeroes afterwards. */
void epcfile_discard(struct enclave *e, uint64_t frame);

#define COUNT(e, field) __atomic_fetch_add(&(e)->file->counters.field, 1, __ATOMIC_RELAXED)

#endif
