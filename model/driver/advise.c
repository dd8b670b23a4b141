/* SPDX-License-Identifier: Apache-2.0 */
/*
 * madvise, mlock, msync and mincore of ranges with enclave memory in them, whose mappings are
 * VM_PFNMAP, VM_IO, VM_DONTEXPAND and VM_DONTDUMP. Each call goes through the mappings of its range
 * from below, as the kernel does; what is no enclave's is the kernel's own.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "driver/enclave.h"
#include "model.h"

/* Advice that the C library may not know yet. */
enum {
    ADVICE_KEEPONFORK = 19,
};

/* A call on a range, and what it does with each part. Results: 0 or a negative errno. */
struct call {
    int (*on_device)(struct enclave *e, const struct part *part, const struct call *call);
    int (*on_other)(const struct part *part, const struct call *call);
    uint64_t start;
    long argument;
    void *vector;
};

static int kernel(long number, const struct part *part, long argument)
{
    return syscall(number, part->start, part->end - part->start, argument) < 0 ? -errno : 0;
}

/* Pages that are not mapped do not keep the kernel from going on: the error comes at the end. */
static int walk(uint64_t start, uint64_t end, const struct call *call)
{
    int hole = 0;

    while (start < end) {
        const struct part part = mm_part(start, end);
        const int r = part.e ? call->on_device(part.e, &part, call) : call->on_other(&part, call);

        if (r == -ENOMEM && !part.e)
            hole = r;
        else if (r < 0)
            return r;
        start = part.end;
    }
    return hole;
}

/* Is there enclave memory in [start, start + size)? *ret_end is the end of the pages. */
static bool concerns(uint64_t start, size_t size, uint64_t *ret_end)
{
    const uint64_t end = (start + size + SGX_PAGE_SIZE - 1) & SGX_PAGE_MASK;
    struct part part;

    *ret_end = end;
    if (!enclave_any() || !enclave_is_ours() || (start & (SGX_PAGE_SIZE - 1)) || end <= start)
        return false;
    part = mm_part(start, end);
    return part.e || part.end < end;
}

/* ------------------------------------------------------------------ madvise */

static int advise_dontfork(struct enclave *e, const struct part *part)
{
    int r = kernel(SYS_madvise, part, MADV_DONTFORK);

    if (r == 0) {
        enclave_lock(e);
        r = vma_dontcopy(e, part->start, part->end);
        enclave_unlock(e);
    }
    return r;
}

/* A hole punched in a character device; but first one has to be able to write there. */
static int advise_remove(struct enclave *e, const struct part *part)
{
    const struct vma *vma;
    int r = -ENODEV;

    enclave_lock(e);
    vma = vma_find(e, part->start);
    if (vma && !(vma->may & PROT_WRITE))
        r = -EACCES;
    enclave_unlock(e);
    return r;
}

static int advise_device(struct enclave *e, const struct part *part, const struct call *call)
{
    switch (call->argument) {
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_WILLNEED: /* there is nothing to read ahead */
    case MADV_MERGEABLE:
    case MADV_UNMERGEABLE: /* never merged, and no error */
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
    case MADV_DONTDUMP:
    case ADVICE_KEEPONFORK:
        return 0;
    case MADV_DONTFORK:
        return advise_dontfork(e, part);
    case MADV_REMOVE:
        return advise_remove(e, part);
    default: /* what would take pages away, and what VM_IO forbids: DOFORK, DODUMP, POPULATE_* */
        return -EINVAL;
    }
}

static int advise_other(const struct part *part, const struct call *call)
{
    return kernel(SYS_madvise, part, call->argument);
}

int sgx2_madvise(void *address, size_t size, int advice)
{
    const struct call call = {
        .on_device = advise_device, .on_other = advise_other, .argument = advice};
    const uint64_t start = (uint64_t)(uintptr_t)address;
    sigset_t saved;
    uint64_t end;
    int r;

    driver_enter(&saved);
    if (concerns(start, size, &end))
        r = walk(start, end, &call);
    else
        r = syscall(SYS_madvise, address, size, (long)advice) < 0 ? -errno : 0;
    driver_leave(&saved);
    return r;
}

/* ------------------------------------------------------------------ mlock */

/* Accepted, and nothing comes of it: special mappings are neither locked nor counted. */
static int lock_device(struct enclave *e, const struct part *part, const struct call *call)
{
    (void)e, (void)part, (void)call;
    return 0;
}

static int lock_other(const struct part *part, const struct call *call)
{
    return kernel(call->argument < 0 ? SYS_munlock : SYS_mlock2, part, call->argument);
}

/*
 * The kernel compares the length with the limit before it looks at any mapping. Have it do so, with
 * memory of that length that goes away again.
 */
static int within_limit(uint64_t size)
{
    const intptr_t at = mm_place(NULL, size, 0);
    int r;

    if (at < 0)
        return -ENOMEM;
    r = syscall(SYS_mlock2, at, size, MLOCK_ONFAULT) < 0 ? -errno : 0;
    munmap((void *)at, size);
    return r;
}

static int lock_range(uint64_t start, size_t size, long flags)
{
    const struct call call = {.on_device = lock_device, .on_other = lock_other, .argument = flags};
    const uint64_t low = start & SGX_PAGE_MASK;
    sigset_t saved;
    uint64_t end;
    int r = 0;

    driver_enter(&saved);
    if (!(flags & ~(long)MLOCK_ONFAULT && flags >= 0) &&
        concerns(low, size + (start - low), &end)) {
        if (flags >= 0)
            r = within_limit(end - low);
        if (r == 0)
            r = walk(low, end, &call);
    } else if (flags < 0) {
        r = syscall(SYS_munlock, start, size) < 0 ? -errno : 0;
    } else {
        /* mlock2() with no flags is mlock(), which older kernels have too. */
        r = (flags ? syscall(SYS_mlock2, start, size, flags) : syscall(SYS_mlock, start, size)) < 0
                ? -errno
                : 0;
    }
    driver_leave(&saved);
    return r;
}

int sgx2_mlock(const void *address, size_t size, unsigned flags)
{
    return lock_range((uint64_t)(uintptr_t)address, size, (long)flags);
}

int sgx2_munlock(const void *address, size_t size)
{
    return lock_range((uint64_t)(uintptr_t)address, size, -1);
}

/* ------------------------------------------------------------------ msync */

/* The device has nothing to write back to: no fsync. */
static int sync_device(struct enclave *e, const struct part *part, const struct call *call)
{
    (void)e, (void)part;
    return call->argument & MS_SYNC ? -EINVAL : 0;
}

static int sync_other(const struct part *part, const struct call *call)
{
    return kernel(SYS_msync, part, call->argument);
}

int sgx2_msync(void *address, size_t size, int flags)
{
    const struct call call = {.on_device = sync_device, .on_other = sync_other, .argument = flags};
    const bool valid = !(flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) &&
                       (flags & (MS_ASYNC | MS_SYNC)) != (MS_ASYNC | MS_SYNC);
    const uint64_t start = (uint64_t)(uintptr_t)address;
    sigset_t saved;
    uint64_t end;
    int r;

    driver_enter(&saved);
    if (valid && concerns(start, size, &end)) {
        r = walk(start, end, &call);
        driver_leave(&saved);
        return r;
    }
    driver_leave(&saved); /* it may take long */
    return syscall(SYS_msync, address, size, flags) < 0 ? -errno : 0;
}

/* ------------------------------------------------------------------ mincore */

/* Where the answers for a part go. */
static uint8_t *answers(const struct part *part, const struct call *call)
{
    return (uint8_t *)call->vector + ((part->start - call->start) >> SGX_PAGE_SHIFT);
}

/* The kernel looks into the page cache, where the device has nothing. */
static int resident_device(struct enclave *e, const struct part *part, const struct call *call)
{
    static const uint8_t none[512];
    uint64_t to = (uint64_t)(uintptr_t)answers(part, call);
    uint64_t left = (part->end - part->start) >> SGX_PAGE_SHIFT;
    int r = 0;

    (void)e;
    while (left && r == 0) {
        const uint64_t piece = left < sizeof none ? left : sizeof none;

        r = user_write(to, none, piece);
        to += piece;
        left -= piece;
    }
    return r;
}

static int resident_other(const struct part *part, const struct call *call)
{
    return kernel(SYS_mincore, part, (long)(uintptr_t)answers(part, call));
}

int sgx2_mincore(void *address, size_t size, unsigned char *vector)
{
    const uint64_t start = (uint64_t)(uintptr_t)address;
    const struct call call = {
        .on_device = resident_device, .on_other = resident_other, .start = start, .vector = vector};
    sigset_t saved;
    uint64_t end;
    int r;

    driver_enter(&saved);
    if (concerns(start, size, &end))
        r = walk(start, end, &call);
    else
        r = syscall(SYS_mincore, address, size, vector) < 0 ? -errno : 0;
    driver_leave(&saved);
    return r;
}
