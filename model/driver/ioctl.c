/* SPDX-License-Identifier: Apache-2.0 */
#include <asm/sgx.h>
#include <errno.h>

#include "driver/enclave.h"
#include "model.h"
#include "trace.h"

static int dispatch(struct enclave *e, unsigned long request, void *argument)
{
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
        return ioctl_instrument(e, request, argument);
    }
}

int sgx2_ioctl(int fd, unsigned long request, void *argument)
{
    struct enclave *e = enclave_by_fd(fd);
    sigset_t saved;
    int r;

    if (!e)
        return -EBADF;
    driver_enter(&saved);
    enclave_lock(e);
    /* Not queued: Linux refuses a second ioctl while one runs, which happens while one waits. */
    if (e->file->ioctl_busy) {
        r = -EBUSY;
    } else {
        e->file->ioctl_busy = true;
        r = dispatch(e, request, argument);
        e->file->ioctl_busy = false;
    }
    enclave_unlock(e);
    driver_leave(&saved);
    return r;
}
