/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.h - what crosses the boundary between the packet filter's enclave and its host
 *
 * The host loads one filter at a time, a classic BPF program, and then runs it over packets in
 * batches. All addresses are of untrusted memory; the enclave copies what they point at once, and
 * checks the copy. Nothing that the host writes here is believed: a size beyond its limit, or a
 * packet that does not lie in its batch, makes the call fail with SGX_ERROR_INVALID_PARAMETER and
 * change nothing.
 *
 * Ecalls: FILTER_ECALL_LOAD takes a struct filter_load, FILTER_ECALL_RUN a struct filter_run.
 */
#ifndef SHARED_FILTER_H
#define SHARED_FILTER_H

#include <stddef.h>
#include <stdint.h>

#define FILTER_INSNS_MAX     4096u      /* instructions in a program, as BPF_MAXINSNS */
#define FILTER_PACKET_MAX    65535u     /* bytes captured of one packet */
#define FILTER_BATCH_BYTES   (1u << 20) /* bytes of packets in one batch */
#define FILTER_BATCH_PACKETS 256u       /* packets in one batch */
#define FILTER_SCRATCH_CELLS 16u        /* 32-bit cells of a program's scratch memory */

enum {
    FILTER_ECALL_LOAD = 0,
    FILTER_ECALL_RUN = 1,
    FILTER_ECALLS,
};

/* One instruction of classic BPF: the layout of libpcap's struct bpf_insn. */
struct filter_insn {
    uint16_t code; /* 0  enum filter_opcode, opcodes.h */
    uint8_t jt;    /* 2  instructions to skip if a condition holds */
    uint8_t jf;    /* 3  instructions to skip if it does not */
    uint32_t k;    /* 4  operand */
};
_Static_assert(sizeof(struct filter_insn) == 8, "as in every BPF program");

/* Why a program is not accepted. Texts for people: host/reason.h. */
enum filter_reason {
    FILTER_OK = 0,
    FILTER_EMPTY,          /* no instruction */
    FILTER_TOO_LONG,       /* more than FILTER_INSNS_MAX */
    FILTER_BAD_OPCODE,     /* not one of classic BPF's */
    FILTER_BACKWARD_JUMP,  /* an unconditional jump whose distance is negative */
    FILTER_JUMP_RANGE,     /* a jump beyond the last instruction */
    FILTER_DIVIDE_BY_ZERO, /* division or remainder by the constant 0 */
    FILTER_SHIFT_RANGE,    /* a shift by a constant above 31 */
    FILTER_SCRATCH_RANGE,  /* no such scratch cell */
    FILTER_NO_RETURN,      /* the last instruction is no return: control would fall off */
    FILTER_CODE_SIZE,      /* the machine code does not fit its buffer */
    FILTER_REASONS,
};

/* LOAD: check the program, compile it, publish the code. Until it succeeds the old filter stays. */
struct filter_load {
    uint64_t program;   /*  0  in: address of `count` instructions */
    uint32_t count;     /*  8  in */
    uint32_t reason;    /* 12  out: enum filter_reason; FILTER_OK means loaded */
    uint32_t index;     /* 16  out: the instruction that reason is about */
    uint32_t code_size; /* 20  out: bytes of machine code, if loaded */
};
_Static_assert(sizeof(struct filter_load) == 24, "no padding crosses the boundary");

/* Where a packet lies in its batch. */
struct filter_packet {
    uint32_t offset; /* 0  bytes from the start of the batch's data */
    uint32_t caplen; /* 4  bytes captured, at most FILTER_PACKET_MAX */
    uint32_t len;    /* 8  bytes the packet had on the wire */
};
_Static_assert(sizeof(struct filter_packet) == 12, "no padding crosses the boundary");

enum filter_engine {
    FILTER_JIT = 0,
    FILTER_INTERPRETER = 1,
};

/* RUN: the loaded filter over a batch. SGX_ERROR_INVALID_STATE if none is loaded. */
struct filter_run {
    uint64_t packets;      /*  0  in: address of `packet_count` struct filter_packet */
    uint64_t data;         /*  8  in: address of `data_size` bytes */
    uint64_t verdicts;     /* 16  in: address of `packet_count` uint32_t, which are written */
    uint32_t packet_count; /* 24  in: at most FILTER_BATCH_PACKETS */
    uint32_t data_size;    /* 28  in: bytes, at most FILTER_BATCH_BYTES */
    uint32_t engine;       /* 32  in: enum filter_engine */
    uint32_t repeat;       /* 36  in: times to run over the batch, at least 1: more is for timing */
    uint64_t matches;      /* 40  out: packets with a verdict other than 0, of one repetition */
};
_Static_assert(sizeof(struct filter_run) == 48, "no padding crosses the boundary");

#endif
