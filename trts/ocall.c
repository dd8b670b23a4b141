/* SPDX-License-Identifier: Apache-2.0 */
#include "ocall.h"

#include <string.h>

#include "abi/call.h"
#include "aperture/trts.h"
#include "boundary.h"
#include "thread.h"

#define WORD sizeof(uint64_t)

/* size rounded up to words; false if that is not a number. */
static bool whole_words(size_t size, size_t *ret_size)
{
    size_t sum;

    if (__builtin_add_overflow(size, WORD - 1, &sum))
        return false;
    *ret_size = sum & ~(WORD - 1);
    return true;
}

/* Whole words leave, the last one padded with zeroes: no byte is written alone. */
static void copy_out_words(uint64_t host, const uint8_t *from, size_t size)
{
    size_t whole = size & ~(WORD - 1);
    uint64_t last = 0;

    copy_out(host, from, whole);
    if (size == whole)
        return;
    memcpy(&last, from + whole, size - whole);
    copy_out(host + whole, &last, WORD);
}

/*
 * The memory is a stack: an ocall takes from it and gives back. A handler that runs in the middle
 * of this function and makes ocalls of its own leaves `used` as it found it.
 */
sgx_status_t ocall(int64_t index, void *ms, size_t size)
{
    struct ecall_frame *ecall = thread_self()->ecall;
    sgx_status_t status;
    uint64_t host, mark;
    size_t take;

    if (!ecall || !whole_words(size, &take) || take > ecall->size - ecall->used)
        return SGX_ERROR_OUT_OF_MEMORY;
    mark = ecall->used;
    host = ecall->memory + mark;
    ecall->used = mark + take;
    copy_out_words(host, ms, size);

    status = ocall_leave(index, host);

    if (status == SGX_SUCCESS)
        copy_in(ms, host, size);
    ecall->used = mark;
    return status;
}

sgx_status_t ap_ocall(unsigned index, void *ms, size_t size)
{
    if (size > 0 && !ap_is_inside(ms, size))
        return SGX_ERROR_INVALID_PARAMETER;
    return ocall(index, ms, size);
}

void ocall_pages(int64_t index, uint64_t offset, uint64_t size, uint64_t perm)
{
    struct ap_ocall_pages request = {.offset = offset, .size = size, .perm = perm};

    (void)ocall(index, &request, sizeof request);
}
