/* SPDX-License-Identifier: Apache-2.0 */
/*
 * door.h - a hostile host at the test enclave's door: every register at EENTER is its choice, and
 * it sees every register after EEXIT
 *
 * The enclave runs on the software SGX2, loaded but not initialised. There is no untrusted runtime
 * in between: each function here is one passage, and the test is the conversation.
 */
#ifndef TESTS_TRTS_DOOR_H
#define TESTS_TRTS_DOOR_H

#include <stdint.h>

#include "loader.h"

#define DOOR_MEMORY 4096u

/* FXSAVE's image, as much of it as is looked at. */
struct door_vectors {
    uint16_t fcw, fsw;
    uint8_t ftw, reserved0;
    uint16_t fop;
    uint64_t fip, fdp;
    uint32_t mxcsr, mxcsr_mask;
    uint8_t st[128];
    uint8_t xmm[256];
    uint8_t reserved1[96];
} __attribute__((aligned(16)));

/* One passage through sgx2_enter_enclave(); door.S knows the offsets. */
struct passage_state {
    struct door_vectors in_vectors;  /*    0 */
    struct door_vectors out_vectors; /*  512 */
    uint64_t in_rdi, in_rsi;         /* 1024, 1032 */
    uint64_t in_rdx, in_r8;          /* 1040, 1048 */
    uint64_t in_rflags;              /* 1056  set just before the call */
    uint64_t function;               /* 1064  SGX_EENTER or SGX_ERESUME */
    uint64_t out_rdi, out_rsi;       /* 1072, 1080 */
    uint64_t out_rdx;                /* 1088 */
    uint64_t out_rflags;             /* 1096 */
    uint64_t out_r[8];               /* 1104  r8 to r15 */
};

struct door {
    struct image image;
    struct plan plan;
    struct loaded loaded;
    struct passage_state state;       /* of the last passage; in_* are kept from one to the next */
    struct sgx_enclave_run run;       /* of the last passage */
    uint64_t memory[DOOR_MEMORY / 8]; /* for the arguments of ocalls */
};

/* Load. Everything the host chooses is harmless at first. */
void door_open(struct door *door);
void door_close(struct door *door);

uint64_t door_tcs(const struct door *door, unsigned slot);

/* How a passage ended: an exit of the enclave's own accord, or an exception. */
enum door_end { DOOR_EXIT, DOOR_EXCEPTION, DOOR_ENTRY_FAULT };

enum door_end door_enter(struct door *door, unsigned slot, int64_t rdi, uint64_t rsi);
enum door_end door_resume(struct door *door, unsigned slot);

/* door_enter() that must end with AP_EXIT_RETURN; the status. */
uint64_t door_call(struct door *door, unsigned slot, int64_t rdi, const void *ms);

/* AP_ENTER_INIT with an obedient host. */
void door_init(struct door *door);

/* Serves the RESTRICT ocall that the enclave has just left with. */
void door_serve_restrict(struct door *door);

/* The next thread that enters is interrupted after so many instructions, and the host is told. */
void door_interrupt_after(struct door *door, uint64_t instructions);

#endif
