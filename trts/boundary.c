/* SPDX-License-Identifier: Apache-2.0 */
/* boundary.c - inside or outside; see aperture/trts.h */
#include "boundary.h"

#include "aperture/trts.h"
#include "layout.h"

/* The end of the range; false if it wraps, also if it just reaches the end of the address space. */
static bool range_end(uint64_t address, size_t size, uint64_t *ret_end)
{
    return !__builtin_add_overflow(address, size, ret_end);
}

static bool is_inside(uint64_t address, size_t size)
{
    uint64_t base = enclave_base(), limit = base + ap_layout.elrange_size, end;

    return range_end(address, size, &end) && address >= base && address < limit && end <= limit;
}

static bool is_outside(uint64_t address, size_t size)
{
    uint64_t base = enclave_base(), limit = base + ap_layout.elrange_size, end;

    if (!range_end(address, size, &end))
        return false;
    return address >= limit || (address < base && end <= base);
}

bool ap_is_inside(const void *address, size_t size)
{
    return is_inside((uintptr_t)address, size);
}

bool ap_is_outside(const void *address, size_t size)
{
    return is_outside((uintptr_t)address, size);
}

static bool may_copy(uint64_t host, const void *trusted, size_t size)
{
    return host != 0 && is_outside(host, size) && ap_is_inside(trusted, size);
}

sgx_status_t ap_host_read(void *trusted, uint64_t host, size_t size)
{
    if (!may_copy(host, trusted, size))
        return SGX_ERROR_INVALID_PARAMETER;
    speculation_barrier();
    copy_in(trusted, host, size);
    return SGX_SUCCESS;
}

sgx_status_t ap_host_write(uint64_t host, const void *trusted, size_t size)
{
    if (!may_copy(host, trusted, size))
        return SGX_ERROR_INVALID_PARAMETER;
    speculation_barrier();
    copy_out(host, trusted, size);
    return SGX_SUCCESS;
}
