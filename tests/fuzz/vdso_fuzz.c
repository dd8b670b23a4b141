/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vdso_fuzz.c - any bytes as a vDSO image
 *
 * A symbol that is found lies inside the image.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vdso.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A copy of just this size, so that a read beyond it is seen. */
    uint8_t *image = malloc(size ? size : 1);
    const uint8_t *found;

    memcpy(image, data, size);
    found = vdso_symbol(image, size, "__vdso_sgx_enter_enclave");
    assert(!found || (found >= image && found < image + size));
    free(image);
    return 0;
}
