/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow.h - what is known about each instruction of a checked program before any code is written
 *
 * Jumps only go forward, so one walk down finds which bounds checks have already been made on
 * every path to an instruction, and one walk up finds which values are still wanted after it.
 */
#ifndef ENCLAVE_FLOW_H
#define ENCLAVE_FLOW_H

#include <stdbool.h>

#include "shared/filter.h"

/* A set of values: bit i is scratch cell i. */
#define VALUE_CELLS 0xffffu
#define VALUE_A     (1u << 16)
#define VALUE_X     (1u << 17)

/* Facts that hold when control reaches an instruction. */
struct flow {
    uint32_t bytes;      /* caplen is at least this */
    uint32_t after_x;    /* caplen is at least X plus this; 0 says nothing */
    uint32_t live;       /* values that may still be read, here or later */
    uint32_t live_after; /* those that may be read later */
    bool reached;        /* some path leads here; if not, nothing else above means anything */
};

/* What an instruction does to values, its operand k aside. */
struct effect {
    uint32_t guards; /* read to decide whether the program ends here with verdict 0 */
    uint32_t reads;  /* read to make what it writes; not read if nobody wants that */
    uint32_t writes;
};

struct effect flow_effect(const struct filter_insn *insn);

/* Bytes that a load takes from the packet; 0 if the instruction is no packet load. */
uint32_t flow_load_size(const struct filter_insn *insn);

/* A packet load at X + k, not at k. */
bool flow_load_indexed(const struct filter_insn *insn);

/* No packet is long enough for this load, so it always ends the program. */
bool flow_load_fails(const struct filter_insn *insn);

/*
 * flow_find() - fill the facts of a program
 * @insns:    `count` instructions that filter_check() accepted
 * @ret_flow: `count` rows
 */
void flow_find(const struct filter_insn *insns, uint32_t count, struct flow *ret_flow);

#endif
