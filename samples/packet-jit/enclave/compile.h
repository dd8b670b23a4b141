/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile.h - turn a checked classic BPF program into x86-64 machine code
 *
 * The code is a function of the System V ABI, and may be copied to any address. It calls nothing,
 * keeps every register that the ABI wants kept, reads packet[0 .. caplen) and nothing else, and
 * writes to nothing but 64 bytes of its own stack, if the program uses scratch memory at all.
 *
 * That holds for what the processor executes. What it speculates is bounded too, because the host
 * chooses program and packets: code past a mispredicted bounds check reads at most
 * FILTER_SPECULATION_REACH bytes from the packet's start. Whoever calls the code keeps secrets out
 * of there.
 */
#ifndef ENCLAVE_COMPILE_H
#define ENCLAVE_COMPILE_H

#include "enclave/flow.h"
#include "shared/filter.h"

/*
 * What the code is: the verdict on one packet.
 * @packet: caplen bytes, at most FILTER_PACKET_MAX: loads beyond that are compiled to fail
 */
typedef uint32_t filter_code(const uint8_t *packet, uint32_t caplen, uint32_t len);

/* No program's code is larger: LD_H_IND with its check takes 33 bytes, entry and exits the rest. */
#define FILTER_CODE_MAX (36u * FILTER_INSNS_MAX + 256u)

/* Bytes from the packet's start on that mispredicted code may read, whatever caplen is. */
#define FILTER_SPECULATION_REACH (128u << 10)

/* Working memory, so that the compiler needs neither heap nor a large stack. */
struct filter_work {
    struct flow flow[FILTER_INSNS_MAX];
    uint32_t start[FILTER_INSNS_MAX + 1];
};

/*
 * filter_compile() - write the code of a program
 * @insns:    `count` instructions that filter_check() accepted
 * @work:     holds nothing of use before or after
 * @buffer:   `capacity` bytes; no byte outside is touched
 * @ret_size: bytes of code from the start of buffer
 *
 * FILTER_OK         the code is there
 * FILTER_CODE_SIZE  it needs more than capacity; the buffer holds nothing of use
 */
enum filter_reason filter_compile(const struct filter_insn *insns, uint32_t count,
                                  struct filter_work *work, uint8_t *buffer, size_t capacity,
                                  size_t *ret_size);

#endif
