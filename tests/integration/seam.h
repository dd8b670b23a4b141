/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seam.h - the model's table with one function before its ioctl: the loader's lies
 */
#ifndef TESTS_INTEGRATION_SEAM_H
#define TESTS_INTEGRATION_SEAM_H

#include <asm/sgx.h>

#include "host.h"

/*
 * Called for every ioctl that the untrusted runtime makes. It may change the argument, make ioctls
 * of its own, or not pass this one on; seam_pass() passes it on.
 */
typedef int seam_ioctl(int fd, unsigned long request, void *argument);

int seam_pass(int fd, unsigned long request, void *argument);

/* Create an enclave through the table. EINIT's code and ELRANGE's base are noted on the way. */
sgx_status_t seam_create(const char *path, seam_ioctl *hook, bool debug);

extern uint64_t seam_einit_code; /* ~0 if EINIT was not reached or succeeded */
extern uint64_t seam_base;
extern struct ap_layout seam_layout; /* of the file, for the hook */

/* What a process holds of enclaves: descriptors, and mappings of the device or within a range. */
struct seam_holdings {
    unsigned descriptors, device_mappings, mappings_in_range;
};
struct seam_holdings seam_holdings(uint64_t base, uint64_t size);

/* The creation failed so, for a cause that the text names, and nothing is left. */
void seam_expect_refusal(sgx_status_t got, sgx_status_t status, uint64_t einit_code,
                         const char *word);

#endif
