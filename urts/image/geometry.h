/* SPDX-License-Identifier: Apache-2.0 */
/*
 * geometry.h - the sizes that ELRANGE is built from
 *
 * ap-sign lays out with these functions and the image code checks with them, so a layout page that
 * was not made this way is refused. Nothing here depends on the machine that runs it.
 */
#ifndef URTS_IMAGE_GEOMETRY_H
#define URTS_IMAGE_GEOMETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/layout.h"

/* Pages that are never loaded, between any two parts: a stray pointer or a probe-less frame of up
 * to 64 KiB faults instead of reaching the neighbour. */
#define GEOMETRY_GUARD_PAGES 16u
#define GEOMETRY_GUARD_SIZE  ((uint64_t)GEOMETRY_GUARD_PAGES * SGX_PAGE_SIZE)

#define GEOMETRY_NSSA     2u /* one frame for the code, one for its exception handler */
#define GEOMETRY_TD_PAGES 2u /* thread data, then the phase-one exception stack */

/* Every SGX2 processor takes an ELRANGE of 2^36 bytes; beyond that it depends on the model. */
#define GEOMETRY_ELRANGE_MAX (UINT64_C(1) << 36)
#define GEOMETRY_SLOTS_MAX   4096u
#define GEOMETRY_STACK_MIN   UINT64_C(0x2000)
#define GEOMETRY_STACK_MAX   UINT64_C(0x40000000)

/* Whole pages that hold size bytes. size is at most GEOMETRY_ELRANGE_MAX: nothing wraps. */
static inline uint64_t geometry_pages(uint64_t size)
{
    return (size + SGX_PAGE_SIZE - 1) / SGX_PAGE_SIZE;
}

/* True for a value that XSETBV takes and whose components geometry_ssa_frame_size() knows. */
bool geometry_xfrm_ok(uint64_t xfrm);

/*
 * SECS.SSAFRAMESIZE in pages: the XSAVE image of xfrm in the standard format, the MISC components,
 * GPRSGX. xfrm has passed geometry_xfrm_ok(). The offsets of the XSAVE components are those that
 * every SGX processor reports, so the signed file does not depend on where it was signed.
 */
uint32_t geometry_ssa_frame_size(uint64_t xfrm, uint32_t miscselect);

/*
 * One thread slot, low to high:
 *
 *   16 guard pages | stack | guard page | TCS | SSA | guard page | TLS | thread data
 *
 * Fills all of ret_slots; offset and slot_count are taken as given. TLS ends where the thread data
 * begins, since variant II addresses it downwards from FS.
 */
void geometry_slots(uint64_t offset, uint64_t slot_count, uint64_t stack_size,
                    const struct ap_layout *tls_and_attributes, struct ap_slots *ret_slots);

/* Pages of a page map with 2 bits for each of so many dynamic pages. */
uint64_t geometry_pagemap_pages(uint64_t dynamic_pages);

#endif
