/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interpret.h - run a classic BPF program one instruction after the other
 *
 * The reference for the compiler beside it; the same verdicts as libpcap's bpf_filter().
 */
#ifndef ENCLAVE_INTERPRET_H
#define ENCLAVE_INTERPRET_H

#include "shared/filter.h"

/*
 * filter_interpret() - the verdict on one packet
 * @insns:  a program that filter_check() accepted
 * @packet: caplen bytes, at most FILTER_PACKET_MAX. The 128 KiB after them belong to the caller
 *          and hold no secrets: a mispredicted bounds check may read them (never use them).
 * @len:    what LD_LEN yields
 */
uint32_t filter_interpret(const struct filter_insn *insns, const uint8_t *packet, uint32_t caplen,
                          uint32_t len);

#endif
