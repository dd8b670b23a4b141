/* SPDX-License-Identifier: Apache-2.0 */
/*
 * harness.h - generated code at work in one ordinary process: no enclave, no device
 *
 * Untrusted memory is an arena with a hole in its middle, the "enclave", and those stretches of the
 * stack that belong to the host's functions. Everything else is inside. While trusted code runs,
 * the arena is PROT_NONE: whatever looks at it other than through the runtime's copies dies.
 */
#ifndef EDL_HARNESS_H
#define EDL_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aperture/edl.h"

#define HOST_PART    ((size_t)1 << 18) /* of the arena on either side of the hole */
#define ENCLAVE_PART ((size_t)1 << 16)
#define ACCESSES_MAX 256

/* One copy across the border. */
struct access {
    uintptr_t at;
    size_t size;
    bool out;
    unsigned call; /* which ecall from outside it belongs to */
};

struct harness {
    struct access access[ACCESSES_MAX];
    size_t accesses;
    unsigned calls;

    /* Runs after each copy, with the arena open: the host that meddles. */
    void (*meddle)(size_t nth, const struct access *access);
    void *(*change_ms)(void *ms); /* what sgx_ecall() passes on instead of ms */
    void (*inside)(void);         /* what the ecall e_run() does */
    void *(*ocalloc)(size_t);     /* instead of the harness's own */
    sgx_status_t ocall_status;    /* what every ocall comes to, if not SGX_SUCCESS */
    bool skip_ocalls;             /* then the host's function does not run */
    size_t fail_malloc;           /* the nth malloc() from now on fails; 0: none */
    size_t live_mallocs, ocalloc_depth;
    size_t outstanding; /* 1 + the index of the ocall that is out, 0 for none */
};
extern struct harness harness;

/* The arena, for the host's side: from its lower part, zeroed, 16-byte aligned. Never freed. */
void *host_alloc(size_t size);

/* The last bytes below the hole, and the first above. */
void *host_just_below(size_t size);
void *host_just_above(void);

/* An address in the hole. */
void *enclave_address(void);

/* The arena's protection, where a test wants to look. */
void harness_open(void);
void harness_close(void);

/* No call read a byte of untrusted memory twice. */
bool reads_are_single(void);

/* Forgets the accesses. */
void forget_accesses(void);

void *harness_malloc(size_t size);
void harness_free(void *memory);

#endif
