/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error.h - how this folder refuses: one sentence for people, one errno for the caller
 */
#ifndef URTS_IMAGE_ERROR_H
#define URTS_IMAGE_ERROR_H

#include "image/plan.h"

/*
 * Writes "NAME: SENTENCE" and returns -errno_value, so that a refusal is one return statement. Of a
 * long name the end is kept: that is where two paths differ.
 */
__attribute__((format(printf, 4, 5))) int image_fail(struct image_error *error, int errno_value,
                                                     const char *name, const char *format, ...);

#define image_refuse(error, ...) image_fail((error), ENOEXEC, __VA_ARGS__)

#endif
