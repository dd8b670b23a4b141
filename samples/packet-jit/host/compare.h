/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare.h - one expression, end to end: compile, load, run, and compare with libpcap
 */
#ifndef HOST_COMPARE_H
#define HOST_COMPARE_H

#include <stdbool.h>

#include "host/session.h"

struct comparison {
    uint32_t insns;     /* of classic BPF */
    uint32_t code_size; /* bytes of machine code */
    uint64_t matches;   /* as the enclave counted them */
    uint64_t expected;  /* as libpcap counts them */
    uint32_t wrong;     /* packets on which an engine in the enclave and libpcap disagree */
    double jit_seconds; /* for `repeat` times over the capture, in the fastest of a few rounds */
    double interpreter_seconds;
};

#define COMPARE_ERROR_SIZE 512

/* All the same, packet by packet and in number. */
bool comparison_agrees(const struct comparison *c);

/*
 * compare_expression()
 * @ret: filled on success; whether it agrees is another matter
 * @error: COMPARE_ERROR_SIZE bytes; on failure, what went wrong
 *
 * 0, or -1: the expression is no expression, the enclave refused it, or an ecall failed.
 */
int compare_expression(struct ap_enclave *enclave, const struct capture *capture,
                       const char *expression, uint32_t repeat, struct comparison *ret,
                       char *error);

#endif
