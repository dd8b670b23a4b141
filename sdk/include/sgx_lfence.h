/* SPDX-License-Identifier: Apache-2.0 */
/* sgx_lfence.h - nothing behind it begins before everything in front of it is done */
#ifndef SGX_LFENCE_H
#define SGX_LFENCE_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * sgx_lfence() - keep the processor from running ahead of a check
 *
 * Stands between the check of a host's pointer or size and the first use of it. The compiler moves
 * no memory access across it either.
 */
static inline __attribute__((always_inline)) void sgx_lfence(void)
{
    __asm__ volatile("lfence" ::: "memory");
}

#ifdef __cplusplus
}
#endif
#endif
