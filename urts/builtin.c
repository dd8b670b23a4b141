/* SPDX-License-Identifier: Apache-2.0 */
#include "builtin.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "arch/secinfo.h"
#include "touch.h"

/* Answers in a row that bring nothing before RESTRICT gives up: each yields the processor once. */
#define RESTRICT_RETRIES 10000

static bool is_legal(const struct loaded *l, const struct ap_ocall_pages *p)
{
    return p->offset % SGX_PAGE_SIZE == 0 && p->size % SGX_PAGE_SIZE == 0 && p->size > 0 &&
           p->offset <= l->size && p->size <= l->size - p->offset &&
           (p->perm & ~SGX_SECINFO_RWX) == 0;
}

/* Only where an area is mapped: a read of a guard would be a SIGSEGV of the process's own making.
 */
static int touch(const struct loaded *l, const struct ap_ocall_pages *p)
{
    int r = areas_cover(&l->areas, p->offset, p->size, PROT_READ) ? 0 : -EFAULT;

    for (uint64_t done = 0; r == 0 && done < p->size; done += SGX_PAGE_SIZE)
        r = touch_page((const void *)(l->base + p->offset + done));
    return r;
}

static bool is_passing(int result)
{
    return result == -EBUSY || result == -EAGAIN || result == -EINTR;
}

static int restrict_pages(const struct loaded *l, const struct ap_ocall_pages *p)
{
    struct sgx_enclave_restrict_permissions args = {
        .offset = p->offset,
        .length = p->size,
        .permissions = p->perm,
    };
    unsigned tries = 0;

    while (args.length > 0) {
        int r;

        args.result = 0;
        args.count = 0;
        r = l->os->ioctl(l->fd, SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS, &args);
        if (r < 0 && !is_passing(r))
            return r;
        if (args.count > args.length || args.count % SGX_PAGE_SIZE)
            return -EPROTO;
        args.offset += args.count;
        args.length -= args.count;
        tries = args.count ? 0 : tries + 1;
        if (tries == RESTRICT_RETRIES)
            return r < 0 ? r : -EPROTO;
        if (r < 0)
            sched_yield();
    }
    return 0;
}

/* Stays under the ceiling that the layout set, and off the guards, which are ordinary memory. */
static int protect(const struct loaded *l, const struct ap_ocall_pages *p)
{
    if (!areas_cover(&l->areas, p->offset, p->size, PROT_NONE))
        return -EFAULT;
    if (!areas_cover(&l->areas, p->offset, p->size, (int)p->perm))
        return -EACCES;
    return l->os->mprotect((void *)(l->base + p->offset), p->size, (int)p->perm);
}

sgx_status_t builtin_serve(const struct loaded *loaded, int index, struct ap_ocall_pages *request)
{
    static int (*const act[])(const struct loaded *, const struct ap_ocall_pages *) = {
        [-AP_OCALL_TOUCH] = touch,
        [-AP_OCALL_RESTRICT] = restrict_pages,
        [-AP_OCALL_PROTECT] = protect,
    };
    struct ap_ocall_pages p;

    if (index >= 0 || index < AP_OCALL_PROTECT)
        return SGX_ERROR_INVALID_FUNCTION;
    if (!request)
        return SGX_ERROR_INVALID_PARAMETER;
    p = *request;
    if (index == AP_OCALL_TOUCH)
        p.perm = 0; /* not used, so whatever it is */
    request->result = is_legal(loaded, &p) ? act[-index](loaded, &p) : -EINVAL;
    return SGX_SUCCESS;
}
