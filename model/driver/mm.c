/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmap, mprotect and munmap as Linux has them for the device, and for everything else as they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/personality.h>

#include "driver/enclave.h"
#include "model.h"
#include "trace.h"

#define PROT_ALL (PROT_READ | PROT_WRITE | PROT_EXEC)

/* sgx_encl_may_map(): does every page there allow prot? */
static int may_map(const struct enclave *e, uint64_t start, uint64_t end, int prot)
{
    if (personality(0xffffffff) & READ_IMPLIES_EXEC)
        return -EACCES;
    if (!e->file->created)
        return 0;
    if (e->file->initialized && (start < e->file->base || end > e->file->base + e->file->size))
        return -EACCES;
    if (start < e->file->base)
        start = e->file->base;
    if (end > e->file->base + e->file->size)
        end = e->file->base + e->file->size;
    for (; start < end; start += SGX_PAGE_SIZE) {
        const struct record *record = &e->records[enclave_page(e, start)];

        if (record->present && (prot & PROT_ALL & ~record->max_prot))
            return -EACCES;
    }
    return 0;
}

/* Something else is mapped over enclave memory, or it is unmapped: the mapping is gone. */
struct range {
    uint64_t start, end;
    bool touched;
};

static void forget_range(struct enclave *e, void *arg)
{
    struct range *range = arg;
    uint64_t start = range->start, end = range->end;

    enclave_lock(e);
    if (vma_touches(e, start, end)) {
        range->touched = true;
        vma_remove(e, start, end);
        if (e->file->created && start < e->file->base + e->file->size && end > e->file->base) {
            if (start < e->file->base)
                start = e->file->base;
            if (end > e->file->base + e->file->size)
                end = e->file->base + e->file->size;
            for (uint64_t page = enclave_page(e, start), last = enclave_page(e, end - 1);
                 page <= last && page < e->pte_high; page++)
                if (page >= e->pte_low)
                    e->ptes[page] = (struct pte){0};
        }
        COUNT(e, munmaps);
    }
    enclave_unlock(e);
}

static void forget(uint64_t start, size_t size)
{
    struct range range = {.start = start, .end = start + size};

    enclave_each(forget_range, &range);
}

/* Addresses for a mapping: as asked for, or wherever the kernel finds room. */
static intptr_t place(void *address, size_t size, int flags)
{
    void *at = mmap(address, size, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
                        (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)),
                    -1, 0);

    return at == MAP_FAILED ? -errno : (intptr_t)at;
}

static intptr_t map_device(struct enclave *e, int fd, void *address, size_t size, int prot,
                           int flags)
{
    uint64_t start, end;
    intptr_t at;
    int r;

    if (!(flags & MAP_SHARED))
        return -EINVAL;
    if ((prot & PROT_WRITE) && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
        return -EACCES;
    size = (size + SGX_PAGE_SIZE - 1) & SGX_PAGE_MASK;
    if (size == 0 || (flags & MAP_FIXED && ((uintptr_t)address & (SGX_PAGE_SIZE - 1))))
        return -EINVAL;

    /* Without MAP_FIXED the address is known only after the kernel found one. */
    if (!(flags & MAP_FIXED)) {
        at = place(address, size, flags);
        if (at < 0)
            return at;
        address = (void *)at;
    }
    start = (uint64_t)(uintptr_t)address;
    end = start + size;

    enclave_lock(e);
    r = may_map(e, start, end, prot);
    enclave_unlock(e);
    if (r < 0) {
        if (!(flags & MAP_FIXED))
            munmap(address, size);
        return r;
    }
    if (flags & MAP_FIXED) {
        forget(start, size);
        at = place(address, size, flags);
        if (at < 0)
            return at;
    }

    enclave_lock(e);
    r = vma_insert(e, start, end, prot & PROT_ALL);
    if (r == 0 && e->file->created) {
        uint64_t low = start < e->file->base ? e->file->base : start;
        uint64_t high = e->file->base + e->file->size < end ? e->file->base + e->file->size : end;

        if (low < high)
            r = pagetable_attach(e, low, high);
    }
    COUNT(e, mmaps);
    enclave_unlock(e);
    return r < 0 ? r : (intptr_t)start;
}

intptr_t sgx2_mmap(void *address, size_t size, int prot, int flags, int fd, off_t offset)
{
    struct enclave *e = fd >= 0 && !(flags & MAP_ANONYMOUS) ? enclave_by_fd(fd) : NULL;
    sigset_t saved;
    intptr_t r;

    driver_enter(&saved);
    if (e) {
        r = map_device(e, fd, address, size, prot, flags);
        TRACE("mmap", "%p +%#zx prot %c%c%c -> %ld", address, size, prot & PROT_READ ? 'r' : '-',
              prot & PROT_WRITE ? 'w' : '-', prot & PROT_EXEC ? 'x' : '-', r < 0 ? (long)r : 0L);
    } else {
        void *at;

        if (flags & MAP_FIXED)
            forget((uint64_t)(uintptr_t)address, size);
        at = mmap(address, size, prot, flags, fd, offset);
        r = at == MAP_FAILED ? -errno : (intptr_t)at;
    }
    driver_leave(&saved);
    return r;
}

/* mprotect of [start, end), which lies in mappings of e or is a hole between them. */
static int protect_device(struct enclave *e, uint64_t start, uint64_t end, int prot)
{
    int r = 0;

    enclave_lock(e);
    if (!vma_covers(e, start, end))
        r = -ENOMEM;
    if (r == 0)
        r = may_map(e, start, end, prot);
    if (r == 0)
        r = vma_protect(e, start, end, prot & PROT_ALL);
    if (r == 0 && e->file->created && enclave_contains(e, start))
        pagetable_protect(e, enclave_page(e, start), enclave_page(e, end - 1) + 1, prot & PROT_ALL);
    COUNT(e, mprotects);
    enclave_unlock(e);
    return r;
}

int sgx2_mprotect(void *address, size_t size, int prot)
{
    const uint64_t start = (uint64_t)(uintptr_t)address;
    const uint64_t end = start + ((size + SGX_PAGE_SIZE - 1) & SGX_PAGE_MASK);
    struct enclave *e;
    sigset_t saved;
    int r;

    driver_enter(&saved);
    e = enclave_by_address(start);
    if (!e)
        r = mprotect(address, size, prot) < 0 ? -errno : 0;
    else if (start & (SGX_PAGE_SIZE - 1))
        r = -EINVAL;
    else
        r = start == end ? 0 : protect_device(e, start, end, prot);
    driver_leave(&saved);
    if (!e)
        return r;
    TRACE("mprot", "%p +%#zx prot %c%c%c -> %d", address, size, prot & PROT_READ ? 'r' : '-',
          prot & PROT_WRITE ? 'w' : '-', prot & PROT_EXEC ? 'x' : '-', r);
    return r;
}

static void collect(struct enclave *e, void *arg)
{
    struct enclave **found = arg;

    if (!e->vma_count && !e->open_fds)
        *found = e;
}

int sgx2_munmap(void *address, size_t size)
{
    sigset_t saved;
    struct enclave *idle;
    int r;

    if ((uintptr_t)address & (SGX_PAGE_SIZE - 1))
        return -EINVAL;
    driver_enter(&saved);
    r = munmap(address, size) < 0 ? -errno : 0;
    if (r == 0) {
        forget((uint64_t)(uintptr_t)address, (size + SGX_PAGE_SIZE - 1) & SGX_PAGE_MASK);
        do {
            idle = NULL;
            enclave_each(collect, &idle);
            if (idle)
                enclave_put(idle);
        } while (idle);
    }
    driver_leave(&saved);
    return r;
}
