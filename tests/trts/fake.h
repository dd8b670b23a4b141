/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake.h - an enclave that is only memory, for parts of the runtime that run in a plain process
 *
 * The runtime's sources under test are compiled as they are. What they get from the processor, the
 * linker or the assembly is here instead: a layout page that can be written, one thread's data, and
 * an ELRANGE of ordinary memory.
 */
#ifndef TESTS_TRTS_FAKE_H
#define TESTS_TRTS_FAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/layout.h"
#include "thread.h"

#define FAKE_PAGE 4096u
#define FAKE_SIZE (UINT64_C(1) << 20)

/* The same object that the runtime declares const. */
struct ap_layout *fake_layout(void);

/* Where the fake ELRANGE begins; aligned to its size. */
uint8_t *fake_base(void);

/*
 * Back to the start: zeroed memory, and a layout with
 *
 *   image     [0, 0x10000)
 *   heap      0x10000, 8 pages, 2 of them initial
 *   pagemap   0x20000, 1 page
 *   threads   0x30000: stack 0x31000..0x41000, TCS 0x42000, SSA 0x43000 (2 frames),
 *             TLS 0x46000, thread data 0x47000
 *   data      0x50000, 16 pages, policy data
 *   readonly  0x70000, 4 pages, policy data, R
 *   jit       0x80000, 32 pages, policy publish
 *   toggle    0xb0000, 4 pages, policy toggle
 */
void fake_reset(void);

enum fake_region {
    FAKE_HEAP,
    FAKE_PAGEMAP,
    FAKE_THREADS,
    FAKE_DATA,
    FAKE_READONLY,
    FAKE_JIT,
    FAKE_TOGGLE,
    FAKE_REGIONS
};

#define FAKE_STACK_LOW  0x31000u
#define FAKE_STACK_HIGH 0x41000u
#define FAKE_TCS        0x42000u
#define FAKE_SSA        0x43000u
#define FAKE_TD         0x47000u

/* The one thread's data, at FAKE_TD in the fake ELRANGE. */
struct thread_data *fake_thread(void);

#endif
