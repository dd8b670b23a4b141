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
    uint64_t epc_pages, epc_pages_max;  /* in use now, and at most */
    /* The model's own cost: */
    uint64_t traps;          /* signals taken */
    uint64_t host_mprotects; /* protection changes made to mirror the page table */
};

#define SGX2_MODEL_COUNTERS _IOR(SGX2_MODEL_MAGIC, 0, struct sgx2_counters)

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
        6, /* interrupt the next thread that enters after value instructions; */
           /* do not resume it but tell the host of an exception `vector` */
};

struct sgx2_hostile {
    uint64_t act;    /* enum sgx2_hostile_act */
    uint64_t offset; /* bytes from the enclave's base, page aligned */
    uint64_t value;
    uint64_t vector; /* INTERRUPT: exception_vector of the vDSO's answer */
    uint64_t code;   /* out: what the last leaf returned in RAX */
};

/* 0; EINVAL for an unknown act or offset; EIO if a leaf faulted; EPERM if a leaf refused: code. */
#define SGX2_MODEL_HOSTILE _IOWR(SGX2_MODEL_MAGIC, 1, struct sgx2_hostile)

/* One page as the EPCM has it, for checkers that compare a runtime's belief with the truth. */
struct sgx2_epcm_query {
    uint64_t offset;  /* in: bytes from the enclave's base */
    uint64_t present; /* out: 1 if the driver has a page there */
    uint64_t secinfo; /* out: EPCM as SECINFO.FLAGS: R, W, X, PENDING, MODIFIED, PR, PT */
};

#define SGX2_MODEL_EPCM _IOWR(SGX2_MODEL_MAGIC, 2, struct sgx2_epcm_query)

/* Why the last ENCLAVE_INIT failed: EINIT's code, which Linux only logs. */
#define SGX2_MODEL_EINIT_CODE _IOR(SGX2_MODEL_MAGIC, 3, uint64_t)

#ifdef __cplusplus
}
#endif
#endif
