/* SPDX-License-Identifier: Apache-2.0 */
/*
 * native.h - compile and run filters in the test's own process, in surroundings that notice errors
 */
#ifndef PACKET_JIT_NATIVE_H
#define PACKET_JIT_NATIVE_H

#include "enclave/compile.h"
#include "shared/filter.h"

/* The code of a checked program, made executable; stays valid until the next call. */
void native_load(const struct filter_insn *insns, uint32_t count);

/* Bytes of the code that native_load() made last. */
size_t native_size(void);

/*
 * The loaded code's verdict. caplen and len are passed in registers whose upper halves hold
 * garbage, as the ABI allows.
 */
uint32_t native_run(const uint8_t *packet, uint32_t caplen, uint32_t len);

/* A copy of size bytes that ends where memory ends: the next byte faults. Until the next call. */
const uint8_t *native_place(const void *bytes, size_t size);

#endif
