/* SPDX-License-Identifier: Apache-2.0 */
/*
 * classify.h - what a trap means, from what the kernel says about it
 *
 * Pure: the facts go in, the meaning comes out. So that a machine of one kind can test what a
 * machine of another kind will say. They differ at ENCLU. A processor without SGX, or with SGX
 * switched off, raises #UD: SIGILL. One that has SGX looks further: a leaf for enclave mode is #GP
 * outside it, EENTER and ERESUME of a page that is no EPC are #PF or #GP: SIGSEGV, or SIGBUS where
 * the page table has nothing to offer. ENCLU touches no other memory, so each of these at its
 * opcode stands for the leaf itself, unless the fault was the fetch of the opcode.
 */
#ifndef MODEL_RUN_CLASSIFY_H
#define MODEL_RUN_CLASSIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Vectors that EXITINFO does not name. */
#define VECTOR_OF 4
#define VECTOR_SS 12

struct trap {
    int sig;
    unsigned number;     /* the vector, as the kernel passes it in the signal frame */
    uint32_t error;      /* the error code, likewise */
    const uint8_t *code; /* the bytes at RIP, */
    size_t size;         /* as many as can be fetched; 3 are enough */
    uint8_t before[2];   /* the bytes before RIP, zeros where there are none */
};

enum trap_class {
    TRAP_LEAF,       /* ENCLU: carry the leaf out */
    TRAP_PAGE_FAULT, /* the processor's page table refused: ask the model's */
    TRAP_STEP,       /* #DB, behind the instruction */
    TRAP_BREAKPOINT, /* INT3 */
    TRAP_FAULT,      /* any other exception, `vector` */
};

struct meaning {
    enum trap_class class;
    uint8_t vector; /* TRAP_FAULT */
    uint8_t back;   /* RIP stands so many bytes behind the instruction */
    uint32_t error; /* TRAP_FAULT: #GP, #SS and #AC have an error code */
};

/* A trap of enclave code. It raised what hardware raises in enclave mode, whatever the host says.
 */
struct meaning classify_inside(const struct trap *trap);

/* Is a trap, of enclave code or of the host's, an ENCLU? */
bool classify_leaf(const struct trap *trap);

#endif
