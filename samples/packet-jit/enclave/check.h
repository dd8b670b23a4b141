/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - is this a classic BPF program that may run?
 *
 * A program that passes can be interpreted and compiled without any further check of the program:
 * every opcode is known, every jump goes forward and stays inside, every constant divisor is not
 * 0, every constant shift is below 32, every scratch cell exists, and the last instruction is a
 * return. Since jumps only go forward, that also means that every path returns.
 *
 * What is looser than in some kernels: reading a scratch cell, A or X that was never written is
 * allowed, since all of them start at 0; unused fields may hold anything. What is tighter than
 * libpcap's own validation: no backward jumps (it makes them for `protochain` alone), and no
 * constant shift above 31.
 */
#ifndef ENCLAVE_CHECK_H
#define ENCLAVE_CHECK_H

#include "shared/filter.h"

/*
 * filter_check() - judge a program
 * @insns:     `count` instructions, in memory that nobody else can change
 * @ret_index: the first offending instruction; 0 for FILTER_OK, FILTER_EMPTY and FILTER_TOO_LONG
 */
enum filter_reason filter_check(const struct filter_insn *insns, uint32_t count,
                                uint32_t *ret_index);

#endif
