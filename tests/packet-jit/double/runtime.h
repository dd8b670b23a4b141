/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime.h - doubles of both runtimes, for the sample's enclave code in the test's own process
 *
 * Inside is this program's own data, where the enclave's static buffers are; everything else -
 * stack, heap, mappings - is outside. Code is published into a mapping of its own. None of the
 * checks of the real runtimes are here: what is tested is how the sample uses them.
 *
 * The environment variable DOUBLE_LIE makes ap_ecall() falsify an answer: a verdict (`jit`,
 * `interpreter`), the number of matches (`jit-matches`, `interpreter-matches`), or the reason of a
 * refusal (`reason`).
 */
#ifndef DOUBLE_RUNTIME_H
#define DOUBLE_RUNTIME_H

#include <aperture/trts.h>

/* What the next calls answer; SGX_SUCCESS again after double_reset(). */
extern sgx_status_t double_reserve_status;
extern sgx_status_t double_publish_status;

/* Runs inside ap_code_publish(), where the host has control; may be NULL. */
extern void (*double_during_publish)(void);

/* Pages published, and never taken back, since double_reset(). */
extern size_t double_published_pages;

void double_reset(void);

#endif
