/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_os.h - an operating system that does what the test says, and remembers what it was asked
 *
 * Memory is real: reservations and mappings are made, of ordinary memory instead of the EPC. The
 * device is a number. Nothing is entered: a function of the test's plays the enclave.
 */
#ifndef TESTS_URTS_FAKE_OS_H
#define TESTS_URTS_FAKE_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os.h"

#define FAKE_FD           1000
#define FAKE_PROVISION_FD 1001
#define FAKE_LOG_MAX      256

/* One call to the kernel, in order. The members that do not apply are 0. */
struct fake_event {
    unsigned long request; /* an ioctl's, or one of FAKE_* */
    uint64_t offset;       /* ADD_PAGES, RESTRICT; mmap, mprotect: from base */
    uint64_t size;
    uint64_t flags;   /* ADD_PAGES: flags; RESTRICT: permissions; mmap, mprotect: prot */
    uint64_t secinfo; /* ADD_PAGES */
    uint64_t sum;     /* ADD_PAGES: of all bytes of the source */
    bool is_device;   /* mmap: of the enclave, not of ordinary memory */
};

enum { FAKE_OPEN = 1, FAKE_MMAP, FAKE_MPROTECT, FAKE_PROBE };

/* What an enclave does when it is entered: the registers at exit, or an exception. */
struct fake_exit {
    int result;        /* of enter_enclave; if not 0, nothing else counts */
    uint32_t function; /* SGX_EEXIT, or where an exception hit */
    uint64_t rdi, rsi, rdx;
    uint16_t vector, error_code;
    uint64_t address;
};

struct fake_entry {
    uint64_t rdi, rsi, rdx, r8, tcs;
    uint32_t function;
};

typedef struct fake_exit fake_enclave(const struct fake_entry *entry);

struct fake {
    /* what to do */
    unsigned long fail_request; /* this request fails ... */
    unsigned fail_from;         /* ... when it comes for the n-th time, counted from 1 ... */
    int fail_errno;             /* ... with this negative errno */
    uint64_t add_at_most;       /* bytes that one ADD_PAGES takes; 0: all */
    unsigned interrupts;        /* so many ioctls fail with EINTR first */
    unsigned busy;              /* so many RESTRICTs do one page, then fail with EBUSY or EAGAIN */
    int probe_result;           /* of the zeroed RESTRICT; 0 stands for -EINVAL */
    uint64_t einit_code;        /* SGX2_MODEL_EINIT_CODE answers this; 0: ENOTTY */
    bool no_epc;                /* mapped pages cannot be had: reading one raises SIGBUS */
    fake_enclave *enclave;      /* NULL: every call returns success */

    /* what happened */
    struct fake_event log[FAKE_LOG_MAX];
    size_t events;
    unsigned entries;

    /* what is held */
    int open_files;
    uint64_t mapped; /* bytes of address space */
    uint64_t base;   /* as CREATE was told */
};

extern struct fake fake;

/* name is "fake". */
const struct os *fake_os(void);

/* How often a request was made. */
unsigned fake_count(unsigned long request);

#endif
