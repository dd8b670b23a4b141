/* SPDX-License-Identifier: Apache-2.0 */
/*
 * constructors.c - functions that C promises to call before anything else of the author's
 */
#include "init.h"

typedef void constructor(void);

/* The linker's. Relocated by now, and read-only. */
extern constructor *const __init_array_start[] __attribute__((visibility("hidden")));
extern constructor *const __init_array_end[] __attribute__((visibility("hidden")));

void run_constructors(void)
{
    for (constructor *const *c = __init_array_start; c < __init_array_end; c++)
        (*c)();
}
