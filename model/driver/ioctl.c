/* SPDX-License-Identifier: Apache-2.0 */
#include <asm/sgx.h>
#include <errno.h>
#include <fcntl.h>

#include "driver/hostile.h"
#include "driver/share.h"
#include "model.h"
#include "trace.h"

static int dispatch(struct enclave *e, unsigned long request, void *argument)
{
    int r;

    if (hostile(e, RULE_IOCTLS) && hostile_ioctl(e, request, argument, &r))
        return r;
    switch (request) {
    case SGX_IOC_ENCLAVE_CREATE:
        COUNT(e, ioctl_create);
        return ioctl_create(e, argument);
    case SGX_IOC_ENCLAVE_ADD_PAGES:
        COUNT(e, ioctl_add_pages);
        return ioctl_add_pages(e, argument);
    case SGX_IOC_ENCLAVE_INIT:
        COUNT(e, ioctl_init);
        return ioctl_init(e, argument);
    case SGX_IOC_ENCLAVE_PROVISION:
        COUNT(e, ioctl_provision);
        return ioctl_provision(e, argument);
    default:
        break;
    }
    if (!profile_has_sgx2(e->file->profile))
        return -ENOTTY;
    switch (request) {
    case SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS:
        COUNT(e, ioctl_restrict);
        return ioctl_restrict(e, argument);
    case SGX_IOC_ENCLAVE_MODIFY_TYPES:
        COUNT(e, ioctl_modify_types);
        return ioctl_modify_types(e, argument);
    case SGX_IOC_ENCLAVE_REMOVE_PAGES:
        COUNT(e, ioctl_remove);
        return ioctl_remove(e, argument);
    default:
        return -ENOTTY;
    }
}

/* Not queued: Linux refuses a second ioctl while one runs. */
static int one_at_a_time(struct enclave *e, unsigned long request, void *argument)
{
    uint32_t *owner = &e->file->ioctl_owner, before = 0;
    int r;

    if (!e->process) { /* a forked child, not in the table of processes yet */
        enclave_lock(e);
        enclave_unlock(e);
    }
    while (!__atomic_compare_exchange_n(owner, &before, e->process, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE))
        if (before && share_alive(e, before))
            return -EBUSY;
    enclave_lock(e);
    r = dispatch(e, request, argument);
    if (__builtin_expect(trace_enabled, 0))
        ioctl_trace(e, request, argument, r);
    enclave_unlock(e);
    __atomic_store_n(owner, 0, __ATOMIC_RELEASE);
    return r;
}

int sgx2_ioctl(int fd, unsigned long request, void *argument)
{
    struct enclave *e;
    sigset_t saved;
    int r;

    driver_enter(&saved);
    request = (uint32_t)request; /* as the kernel has it: callers may keep it in an int */
    e = enclave_use(fd);
    if (!e) {
        driver_leave(&saved);
        return fcntl(fd, F_GETFD) < 0 ? -EBADF : -ENOTTY;
    }
    /* What only the model knows is no business of the driver's: it waits for nobody but the lock.
     */
    if (_IOC_TYPE(request) == SGX2_MODEL_MAGIC) {
        enclave_lock(e);
        r = ioctl_instrument(e, request, argument);
        enclave_unlock(e);
    } else {
        r = one_at_a_time(e, request, argument);
    }
    enclave_release_fd(e);
    driver_leave(&saved);
    return r;
}
