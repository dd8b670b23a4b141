/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace.h - one readable line per leaf, ioctl, exit and fault
 *
 * APERTURE_TRACE=1 turns it on, to standard error; APERTURE_TRACE=FILE writes to that file. Off, it
 * costs one predictable branch at each place. A line:
 *
 *     sgx2 [4711] ENCLU  EACCEPT      +0x41000 want REG rw- PENDING -> ok
 *
 * thread, instruction class or kernel entry, name, page as offset in ELRANGE, details, result.
 */
#ifndef MODEL_TRACE_H
#define MODEL_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/cpu.h"

extern bool trace_enabled;

void trace_write(const char *kind, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* No cost, not even that of its arguments, while tracing is off. */
#define TRACE(...)                                                                                 \
    do {                                                                                           \
        if (__builtin_expect(trace_enabled, 0))                                                    \
            trace_write(__VA_ARGS__);                                                              \
    } while (0)

/* Text for a trace line; buf lives as long as the expression statement that uses it. */
struct trace_text {
    char buf[96];
};

struct trace_text trace_outcome(struct outcome outcome);
struct trace_text trace_secinfo(uint64_t flags);
struct trace_text trace_pfec(uint32_t pfec);
const char *trace_enclu(uint32_t leaf);
const char *trace_encls(uint32_t leaf);
const char *trace_code(uint32_t code);

#endif
