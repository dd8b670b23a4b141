/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boundary.h - what crosses the enclave's edge, for the runtime's own use; aperture/trts.h has the
 * checks and the copies that authors use
 */
#ifndef TRTS_BOUNDARY_H
#define TRTS_BOUNDARY_H

#include <stddef.h>
#include <stdint.h>

/* No load behind it runs before everything ahead of it is decided. */
static inline void speculation_barrier(void)
{
    __asm__ volatile("lfence" : : : "memory");
}

/*
 * copy_in()  - from untrusted memory, whole aligned words only, each read once
 * copy_out() - to untrusted memory: aligned words, and bytes at the ends
 *
 * The caller has checked both ranges. Partial and unaligned accesses to memory that the host may
 * have mapped to a device can hand stale data of the core's buffers over; so reads are words, and
 * each byte written alone stands between a VERW, which clears the buffers, and fences.
 */
void copy_in(void *trusted, uint64_t host, size_t size);
void copy_out(uint64_t host, const void *trusted, size_t size);

#endif
