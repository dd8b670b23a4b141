/* SPDX-License-Identifier: Apache-2.0 */
#include <aperture/code.h>
#include <string.h>
#include <sys/mman.h>

#include "double/runtime.h"

#define PAGE        4096u
#define REGION_SIZE (4u << 20)

sgx_status_t double_reserve_status;
sgx_status_t double_publish_status;
void (*double_during_publish)(void);
size_t double_published_pages;

static uint8_t *region;
static size_t reserved;

void double_reset(void)
{
    double_reserve_status = SGX_SUCCESS;
    double_publish_status = SGX_SUCCESS;
    double_during_publish = NULL;
    double_published_pages = 0;
}

/* The linker's: where this program's own data begins and ends. */
extern char data_start[], _end[];

static bool is_own_data(uint64_t address, size_t size)
{
    return address < (uintptr_t)_end && address + size > (uintptr_t)data_start;
}

sgx_status_t ap_host_read(void *trusted, uint64_t host, size_t size)
{
    if (host == 0 || is_own_data(host, size))
        return SGX_ERROR_INVALID_PARAMETER;
    memcpy(trusted, (const void *)(uintptr_t)host, size);
    return SGX_SUCCESS;
}

sgx_status_t ap_host_write(uint64_t host, const void *trusted, size_t size)
{
    if (host == 0 || is_own_data(host, size))
        return SGX_ERROR_INVALID_PARAMETER;
    memcpy((void *)(uintptr_t)host, trusted, size);
    return SGX_SUCCESS;
}

struct ap_code_region *ap_code_region(const char *name)
{
    if (strcmp(name, "jit") != 0)
        return NULL;
    if (!region) {
        void *where = mmap(NULL, REGION_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (where == MAP_FAILED)
            return NULL;
        region = where;
    }
    return (struct ap_code_region *)region;
}

sgx_status_t ap_code_reserve(struct ap_code_region *from, size_t size, void **ret_where)
{
    const size_t rounded = (size + PAGE - 1) & ~(size_t)(PAGE - 1);

    if (!from || size == 0)
        return SGX_ERROR_INVALID_PARAMETER;
    if (double_reserve_status != SGX_SUCCESS)
        return double_reserve_status;
    if (rounded > REGION_SIZE - reserved)
        return SGX_ERROR_OUT_OF_MEMORY;
    *ret_where = region + reserved;
    reserved += rounded;
    return SGX_SUCCESS;
}

sgx_status_t ap_code_publish(struct ap_code_region *from, void *where, const void *code,
                             size_t size)
{
    if (!from || (uint8_t *)where < region || (uint8_t *)where + size > region + reserved)
        return SGX_ERROR_INVALID_PARAMETER;
    if (double_during_publish)
        double_during_publish();
    if (double_publish_status != SGX_SUCCESS)
        return double_publish_status;
    if (mprotect(where, size, PROT_READ | PROT_WRITE) < 0)
        return SGX_ERROR_HOST;
    memcpy(where, code, size);
    if (mprotect(where, size, PROT_READ | PROT_EXEC) < 0)
        return SGX_ERROR_HOST;
    double_published_pages += (size + PAGE - 1) / PAGE;
    return SGX_SUCCESS;
}
