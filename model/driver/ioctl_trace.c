/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a trace says of an ioctl: its arguments as they stand in the caller's memory when it is
 * done, and its result. One line for each call that is counted, refused ones included.
 */
#include <asm/sgx.h>
#include <string.h>

#include "driver/enclave.h"
#include "trace.h"

/* Zeros where the caller has no memory, which is then why the call failed. */
static void fetch(void *to, uint64_t from, size_t size)
{
    memset(to, 0, size);
    user_read(to, from, size);
}

static void trace_add_pages(const struct enclave *e, uint64_t argument, int result)
{
    struct sgx_enclave_add_pages add;
    struct sgx_secinfo secinfo;

    fetch(&add, argument, sizeof add);
    fetch(&secinfo, add.secinfo, sizeof secinfo);
    TRACE_EVENT(e, TRACE_IOCTL, "ADD_PAGES", trace_offset(add.offset),
                trace_pages(add.length / SGX_PAGE_SIZE), trace_flags(secinfo.flags),
                trace_flag("measured", "measured", add.flags & SGX_PAGE_MEASURE),
                trace_number("done", NULL, add.count / SGX_PAGE_SIZE), trace_system_result(result));
}

static void trace_restrict(const struct enclave *e, uint64_t argument, int result)
{
    struct sgx_enclave_restrict_permissions arg;

    fetch(&arg, argument, sizeof arg);
    TRACE_EVENT(e, TRACE_IOCTL, "RESTRICT", trace_offset(arg.offset),
                trace_pages(arg.length / SGX_PAGE_SIZE),
                trace_flags_as("to %", arg.permissions | SGX_SECINFO_REG),
                trace_number("done", NULL, arg.count / SGX_PAGE_SIZE),
                trace_number("leaf_code", NULL, arg.result), trace_system_result(result));
}

static void trace_modify_types(const struct enclave *e, uint64_t argument, int result)
{
    struct sgx_enclave_modify_types arg;

    fetch(&arg, argument, sizeof arg);
    TRACE_EVENT(e, TRACE_IOCTL, "MODIFY_TYPES", trace_offset(arg.offset),
                trace_pages(arg.length / SGX_PAGE_SIZE),
                trace_flags_as("to %", SGX_SECINFO_PT(arg.page_type)),
                trace_number("done", NULL, arg.count / SGX_PAGE_SIZE),
                trace_number("leaf_code", NULL, arg.result), trace_system_result(result));
}

static void trace_remove(const struct enclave *e, uint64_t argument, int result)
{
    struct sgx_enclave_remove_pages arg;

    fetch(&arg, argument, sizeof arg);
    TRACE_EVENT(e, TRACE_IOCTL, "REMOVE_PAGES", trace_offset(arg.offset),
                trace_pages(arg.length / SGX_PAGE_SIZE),
                trace_number("done", NULL, arg.count / SGX_PAGE_SIZE), trace_system_result(result));
}

void ioctl_trace(const struct enclave *e, unsigned long request, const void *argument, int result)
{
    const uint64_t at = (uint64_t)(uintptr_t)argument;

    switch (request) {
    case SGX_IOC_ENCLAVE_CREATE:
        TRACE_EVENT(e, TRACE_IOCTL, "CREATE", trace_system_result(result));
        return;
    case SGX_IOC_ENCLAVE_ADD_PAGES:
        trace_add_pages(e, at, result);
        return;
    case SGX_IOC_ENCLAVE_INIT:
        TRACE_EVENT(e, TRACE_IOCTL, "INIT", trace_system_result(result));
        return;
    case SGX_IOC_ENCLAVE_PROVISION:
        TRACE_EVENT(e, TRACE_IOCTL, "PROVISION", trace_system_result(result));
        return;
    case SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS:
        trace_restrict(e, at, result);
        return;
    case SGX_IOC_ENCLAVE_MODIFY_TYPES:
        trace_modify_types(e, at, result);
        return;
    case SGX_IOC_ENCLAVE_REMOVE_PAGES:
        trace_remove(e, at, result);
        return;
    default:
        return;
    }
}
