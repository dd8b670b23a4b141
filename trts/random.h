/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random.h - the processor's random numbers
 */
#ifndef TRTS_RANDOM_H
#define TRTS_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

/* One number of 64 bits. False, and *ret_value unchanged, if RDRAND keeps failing. */
bool random_u64(uint64_t *ret_value);

#endif
