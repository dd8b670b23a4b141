/* SPDX-License-Identifier: Apache-2.0 */
/* user_types.h - the foreign types of the test interfaces */
#ifndef USER_TYPES_H
#define USER_TYPES_H

#include <stddef.h>
#include <stdint.h>

typedef int *int_pointer_t;
typedef const unsigned char *bytes_t;
typedef short quartet_t[4];
typedef unsigned char matrix_t[2][3];
typedef size_t length_t;
typedef enum { SMALL, BIG } magnitude_t;

typedef struct {
    char tag;
    long value;
} record_t;

#endif
