/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry.h - what EENTER, ERESUME, EEXIT and asynchronous exits share (private to model/cpu)
 */
#ifndef MODEL_CPU_ENTRY_H
#define MODEL_CPU_ENTRY_H

#include "cpu/operand.h"
#include "cpu/ssa.h"

/* A door that has been looked at and not been gone through yet. */
struct entry {
    const struct sgx_secs *secs;
    struct sgx_tcs *tcs;
    uint64_t tcs_frame;
    struct ssa_frame ssa;    /* the frame that the next asynchronous exit will fill */
    uint64_t fsbase, gsbase; /* inside */
    uint64_t rip;            /* where execution goes on */
};

/* The checks of the TCS in RBX and of the AEP in RCX; fills secs, tcs and tcs_frame. */
struct outcome cpu_entry_check(struct cpu *cpu, struct entry *ret_entry);

/* FS and GS as the TCS has them, and its entry point. Canonical or #GP. */
struct outcome cpu_entry_segments(struct entry *entry);
struct outcome cpu_entry_point(struct entry *entry);

/*
 * Into enclave mode. Sets FS, GS and RIP and clears TF on an opt-out entry; the other registers
 * are the leaf's. RCX, the AEP, is stored in the TCS and not changed.
 */
void cpu_entry_commit(struct cpu *cpu, const struct entry *entry);

/*
 * What an entry at OENTRY finds: RAX = CSSA and RCX = next, the address behind the instruction.
 * The outside stack goes to URSP and URBP. Comes after the commit, which still needs RCX.
 */
void cpu_entry_pass(struct cpu *cpu, const struct entry *entry, uint64_t next);

/* Out of enclave mode. Brings FS, GS and (after an opt-out entry) TF back; frees the TCS. */
void cpu_entry_leave(struct cpu *cpu);

#endif
