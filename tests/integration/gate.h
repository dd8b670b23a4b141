/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate.h - one passage through the enclave's door with every register chosen, and every register
 * seen afterwards
 *
 * Two ways in. Through enter_enclave, as programs go: its exceptions come back in run, but it uses
 * RSP, RBP, RAX, RBX, RCX and the flags itself. And by an ENCLU of the gate's own, as nobody but a
 * hostile host goes: then all of them are free, and an asynchronous exit ends at the gate's AEP
 * with the state that the processor leaves to the host.
 *
 * Each thread has a gate. Assembly includes this file too.
 */
#ifndef TESTS_INTEGRATION_GATE_H
#define TESTS_INTEGRATION_GATE_H

/* Offsets in struct gate_registers. */
#define GATE_RAX    0
#define GATE_RCX    8
#define GATE_RDX    16
#define GATE_RBX    24
#define GATE_RSP    32
#define GATE_RBP    40
#define GATE_RSI    48
#define GATE_RDI    56
#define GATE_R8     64
#define GATE_R9     72
#define GATE_R10    80
#define GATE_R11    88
#define GATE_R12    96
#define GATE_R13    104
#define GATE_R14    112
#define GATE_R15    120
#define GATE_RFLAGS 128
#define GATE_COUNT  17

/* Offsets in struct gate. */
#define GATE_IN       0
#define GATE_OUT      136
#define GATE_ENTER    272
#define GATE_RUN      280
#define GATE_STACK    288
#define GATE_HOST_RSP 296
#define GATE_MASK     304
#define GATE_HOW      312
#define GATE_RESULT   320
#define GATE_IN_X     384
#define GATE_OUT_X    1216

/* How a passage by the gate's own ENCLU ended. */
#define GATE_EEXIT 0
#define GATE_AEX   1

#ifndef __ASSEMBLER__

#include <asm/sgx.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os.h"

struct gate_registers {
    uint64_t rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rflags;
};

/* An XSAVE image in standard format: x87, SSE, and AVX if this processor has it. */
struct gate_vectors {
    uint16_t fcw, fsw;
    uint8_t ftw, reserved; /* abridged: a bit for each x87 register in use */
    uint16_t fop;
    uint64_t fip, fdp;
    uint32_t mxcsr, mxcsr_mask;
    uint8_t st[8][16];
    uint8_t xmm[16][16];
    uint8_t rest[96];
    uint64_t xstate_bv, xcomp_bv, header[6];
    uint8_t ymm_high[16][16];
};
_Static_assert(sizeof(struct gate_vectors) == 832, "x87, SSE, header, AVX");

struct gate {
    struct gate_registers in, out;
    os_enter_enclave *enter; /* NULL: an ENCLU of the gate's own */
    struct sgx_enclave_run *run;
    void *stack; /* where enter's frame stands: the same place for an entry and its ERESUME */
    uint64_t host_rsp;
    uint64_t mask;   /* the components of the two images */
    uint64_t how;    /* without enter: GATE_EEXIT or GATE_AEX */
    uint64_t result; /* with enter: what it returned */
    _Alignas(64) struct gate_vectors in_x, out_x;
};
_Static_assert(offsetof(struct gate, out) == GATE_OUT, "asm");
_Static_assert(offsetof(struct gate, enter) == GATE_ENTER, "asm");
_Static_assert(offsetof(struct gate, result) == GATE_RESULT, "asm");
_Static_assert(offsetof(struct gate, in_x) == GATE_IN_X, "asm");
_Static_assert(offsetof(struct gate, out_x) == GATE_OUT_X, "asm");

extern _Thread_local struct gate gate;

/* Where asynchronous exits of the gate's own ENCLU may end, and that ENCLU. */
extern const char gate_aep[], gate_enclu[];

/* in: registers zero, flags and vectors as C has them. out: recognisable garbage. */
void gate_reset(void);

/* in: values that no honest caller has, in every register that may hold any. */
void gate_fill(uint64_t seed);

bool gate_has_avx(void);

/*
 * One passage with the gate's own ENCLU: leaf, TCS and AEP go to RAX, RBX and RCX. gate_enclu as
 * AEP resumes after every asynchronous exit that the kernel takes for its own.
 */
void gate_enclu_pass(uint32_t leaf, uint64_t tcs, const char *aep);

/* One passage through enter_enclave. rcx is its function; run is filled as always. */
int gate_enter_pass(os_enter_enclave *enter, uint32_t function, struct sgx_enclave_run *run);

#endif
#endif
