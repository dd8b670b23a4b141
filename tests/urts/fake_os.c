/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_os.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "aperture/model.h"
#include "arch/arch.h"
#include "arch/leaf.h"
#include "arch/secinfo.h"
#include "arch/secs.h"

struct fake fake;

unsigned fake_count(unsigned long request)
{
    unsigned count = 0;

    for (size_t i = 0; i < fake.events; i++)
        count += fake.log[i].request == request;
    return count;
}

/* Note a call, and say whether this is the one to fail. */
static int note(struct fake_event event)
{
    if (fake.events == FAKE_LOG_MAX)
        abort();
    fake.log[fake.events++] = event;
    if (fake.fail_request == event.request && fake_count(event.request) >= fake.fail_from)
        return fake.fail_errno;
    return 0;
}

static int fake_open(const char *path, int flags)
{
    int r = note((struct fake_event){.request = FAKE_OPEN});

    (void)flags;
    if (r < 0)
        return r;
    fake.open_files++;
    if (strcmp(path, "/dev/sgx_enclave") == 0)
        return FAKE_FD;
    return strcmp(path, "/dev/sgx_provision") == 0 ? FAKE_PROVISION_FD : -ENOENT;
}

static int fake_close(int fd)
{
    if (fd != FAKE_FD && fd != FAKE_PROVISION_FD)
        return -EBADF;
    fake.open_files--;
    return 0;
}

static int do_create(const struct sgx_enclave_create *args)
{
    fake.base = ((const struct sgx_secs *)args->src)->base;
    return note((struct fake_event){.request = SGX_IOC_ENCLAVE_CREATE, .offset = fake.base});
}

static int do_add(struct sgx_enclave_add_pages *args)
{
    struct fake_event event = {.request = SGX_IOC_ENCLAVE_ADD_PAGES,
                               .offset = args->offset,
                               .size = args->length,
                               .flags = args->flags,
                               .secinfo = ((const struct sgx_secinfo *)args->secinfo)->flags};
    int r;

    if (args->src % SGX_PAGE_SIZE || args->count != 0)
        return -EINVAL;
    for (uint64_t i = 0; i < args->length; i++)
        event.sum += ((const uint8_t *)args->src)[i];
    r = note(event);
    if (r < 0)
        return r;
    args->count = args->length;
    if (fake.add_at_most && args->count > fake.add_at_most)
        args->count = fake.add_at_most;
    return 0;
}

static int do_restrict(struct sgx_enclave_restrict_permissions *args)
{
    static const struct sgx_enclave_restrict_permissions nothing;
    int r;

    if (memcmp(args, &nothing, sizeof nothing) == 0) {
        r = note((struct fake_event){.request = FAKE_PROBE});
        return r < 0 ? r : (fake.probe_result ? fake.probe_result : -EINVAL);
    }
    r = note((struct fake_event){.request = SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS,
                                 .offset = args->offset,
                                 .size = args->length,
                                 .flags = args->permissions});
    if (args->result || args->count)
        return -EINVAL;
    if (r < 0)
        return r;
    if (fake.busy > 0) {
        args->count = args->length > SGX_PAGE_SIZE ? SGX_PAGE_SIZE : 0;
        return fake.busy-- % 2 ? -EBUSY : -EAGAIN;
    }
    args->count = args->length;
    return 0;
}

static int fake_ioctl(int fd, unsigned long request, void *argument)
{
    if (fd != FAKE_FD)
        return -EBADF;
    if (fake.interrupts > 0) {
        fake.interrupts--;
        return -EINTR;
    }
    switch (request) {
    case SGX_IOC_ENCLAVE_CREATE:
        return do_create(argument);
    case SGX_IOC_ENCLAVE_ADD_PAGES:
        return do_add(argument);
    case SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS:
        return do_restrict(argument);
    case SGX_IOC_ENCLAVE_INIT:
    case SGX_IOC_ENCLAVE_PROVISION:
        return note((struct fake_event){.request = request});
    case SGX2_MODEL_EINIT_CODE:
        *(uint64_t *)argument = fake.einit_code;
        return fake.einit_code ? 0 : -ENOTTY;
    default:
        return -ENOTTY;
    }
}

/* A file of no bytes: the mapping is there, and reading it is a SIGBUS, as without EPC. */
static int empty_file(void)
{
    static int fd = -1;

    if (fd < 0)
        fd = memfd_create("no-epc", MFD_CLOEXEC);
    return fd;
}

static intptr_t fake_mmap(void *address, size_t size, int prot, int flags, int fd, off_t offset)
{
    bool is_device = fd == FAKE_FD;
    void *where;
    int r = note((struct fake_event){.request = FAKE_MMAP,
                                     .offset = is_device ? (uint64_t)address - fake.base : 0,
                                     .size = size,
                                     .flags = (uint64_t)prot,
                                     .is_device = is_device});

    if (r < 0)
        return r;
    if (is_device && fake.no_epc)
        where = mmap(address, size, prot, flags, empty_file(), offset);
    else
        where = mmap(address, size, prot, flags | MAP_ANONYMOUS | MAP_NORESERVE, -1, offset);
    if (where == MAP_FAILED)
        return -errno;
    if (!(flags & MAP_FIXED))
        fake.mapped += size;
    return (intptr_t)where;
}

static int fake_mprotect(void *address, size_t size, int prot)
{
    int r = note((struct fake_event){.request = FAKE_MPROTECT,
                                     .offset = (uint64_t)address - fake.base,
                                     .size = size,
                                     .flags = (uint64_t)prot});

    if (r < 0)
        return r;
    return mprotect(address, size, prot) < 0 ? -errno : 0;
}

static int fake_munmap(void *address, size_t size)
{
    fake.mapped -= size;
    return munmap(address, size) < 0 ? -errno : 0;
}

static struct fake_exit succeed(void)
{
    return (struct fake_exit){.function = SGX_EEXIT};
}

/* As the vDSO: the handler gets the registers at exit, or the exception in their place. */
static int fake_enter(unsigned long rdi, unsigned long rsi, unsigned long rdx,
                      unsigned int function, unsigned long r8, unsigned long r9,
                      struct sgx_enclave_run *run)
{
    struct fake_entry entry = {rdi, rsi, rdx, r8, run->tcs, function};
    sgx_enclave_user_handler_t handler = (sgx_enclave_user_handler_t)run->user_handler;
    struct fake_exit e;

    (void)r9;
    for (size_t i = 0; i < sizeof run->reserved; i++) {
        if (run->reserved[i])
            return -EINVAL;
    }
    __atomic_add_fetch(&fake.entries, 1, __ATOMIC_RELAXED);
    e = fake.enclave ? fake.enclave(&entry) : succeed();
    if (e.result)
        return e.result;
    run->function = e.function;
    if (e.function == SGX_EEXIT)
        return handler((long)e.rdi, (long)e.rsi, (long)e.rdx, 0, 0, 0, run);
    run->exception_vector = e.vector;
    run->exception_error_code = e.error_code;
    run->exception_addr = e.address;
    return handler(e.vector, e.error_code, (long)e.address, 0, 0, 0, run);
}

const struct os *fake_os(void)
{
    static const struct os os = {
        .name = "fake",
        .open = fake_open,
        .ioctl = fake_ioctl,
        .mmap = fake_mmap,
        .mprotect = fake_mprotect,
        .munmap = fake_munmap,
        .close = fake_close,
        .enter_enclave = fake_enter,
    };

    return &os;
}
