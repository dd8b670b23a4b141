/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmap, mprotect and munmap as Linux has them for the device, and for everything else as they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <unistd.h>

#include "driver/enclave.h"
#include "model.h"
#include "trace.h"
#include "unconfirmed.h"

#define PROT_ALL   (PROT_READ | PROT_WRITE | PROT_EXEC)
#define PROT_VALID (PROT_ALL | 0x8) /* and PROT_SEM: arch_validate_prot() */

#ifndef MAP_UNINITIALIZED
#define MAP_UNINITIALIZED 0x4000000
#endif
#ifndef MAP_ABOVE4G
#define MAP_ABOVE4G 0x80
#endif

/* Flags that all mappings may have: LEGACY_MAP_MASK, but for the size of huge pages. */
#define MAP_LEGACY                                                                                 \
    (MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE |       \
     MAP_UNINITIALIZED | MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE |               \
     MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_32BIT | MAP_ABOVE4G)

#define USER_END UINT64_C(0x7ffffffff000) /* TASK_SIZE */

/*
 * Does every page of [first, end) that exists allow prot? The records are a sparse file: only what
 * was ever written is looked at, so that mapping a large empty range costs nothing.
 */
static bool records_allow(const struct enclave *e, uint64_t first, uint64_t end, int prot)
{
    const off_t at = (off_t)e->file->records_at, size = sizeof(struct record);
    off_t from = at + (off_t)first * size, to = at + (off_t)end * size;

    while (from < to && (from = lseek(e->fd, from, SEEK_DATA)) >= 0 && from < to) {
        off_t hole = lseek(e->fd, from, SEEK_HOLE);

        for (; from < hole && from < to; from += size) {
            const struct record *record = &e->records[(from - at) / size];

            if (record->present && (prot & PROT_ALL & ~record->max_prot))
                return false;
        }
    }
    return true;
}

/* The static profile: is every page of [first, end) there, with prot for its own permission? */
static bool records_equal(const struct enclave *e, uint64_t first, uint64_t end, int prot)
{
    for (uint64_t page = first; page < end; page++)
        if (!e->records[page].present || e->records[page].max_prot != (prot & PROT_ALL))
            return false;
    return true;
}

/* A security module that is asked before the driver. */
static bool security_denies(const struct enclave *e, int prot)
{
    const int both = PROT_WRITE | PROT_EXEC;

    return e->file->profile == PROFILE_WXORX && (prot & both) == both;
}

/* sgx_encl_may_map(): does every page there allow prot? */
static int may_map(const struct enclave *e, uint64_t start, uint64_t end, int prot)
{
    uint64_t first, last;

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
    if (start >= end)
        return 0;
    first = enclave_page(e, start);
    last = enclave_page(e, end - 1) + 1;
    if (e->file->profile == PROFILE_STATIC && e->file->initialized)
        return records_equal(e, first, last, prot) ? 0 : -EACCES;
    return records_allow(e, first, last, prot) ? 0 : -EACCES;
}

void mm_drop(struct enclave *e, uint64_t start, uint64_t end)
{
    vma_remove(e, start, end);
    if (!e->file->created || start >= e->file->base + e->file->size || end <= e->file->base)
        return;
    if (start < e->file->base)
        start = e->file->base;
    if (end > e->file->base + e->file->size)
        end = e->file->base + e->file->size;
    for (uint64_t page = enclave_page(e, start), last = enclave_page(e, end - 1);
         page <= last && page < e->pte_high; page++)
        if (page >= e->pte_low)
            e->ptes[page] = (struct pte){0};
}

/* The kernel has dealt with the memory itself. No lock: the only thread, and nothing shared. */
void mm_after_fork(struct enclave *e)
{
    for (size_t i = 0; i < e->vma_count;)
        if (e->vmas[i].dontcopy)
            mm_drop(e, e->vmas[i].start, e->vmas[i].end);
        else
            i++;
}

/* Something else is mapped over enclave memory, or it is unmapped: the mapping is gone. */
struct range {
    uint64_t start, end;
    bool touched;
};

static void forget_range(struct enclave *e, void *arg)
{
    struct range *range = arg;
    const uint64_t start = range->start, end = range->end;

    enclave_lock(e);
    if (vma_first(e, start, end)) {
        range->touched = true;
        mm_drop(e, start, end);
        COUNT(e, munmaps);
        TRACE_EVENT(e, TRACE_MUNMAP, NULL, trace_hex("address", "%", start),
                    trace_hex("size", "+%", end - start));
    }
    enclave_unlock(e);
}

void mm_forget(uint64_t start, size_t size)
{
    struct range range = {.start = start, .end = start + size};

    enclave_each(forget_range, &range);
}

intptr_t mm_place(void *address, size_t size, int flags)
{
    void *at = mmap(address, size, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
                        (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)),
                    -1, 0);

    if (at != MAP_FAILED)
        user_no_dump(at, size); /* of the device from now on, also where no page can be */
    return at == MAP_FAILED ? -errno : (intptr_t)at;
}

/* What mmap(2) was asked for. */
struct ask {
    void *address;
    size_t size;
    int prot, flags;
};

/* get_unmapped_area(), where the driver refuses private mappings. */
static int may_place(const struct ask *ask)
{
    const uint64_t address = (uint64_t)(uintptr_t)ask->address;

    if (ask->size == 0)
        return -EINVAL;
    if (ask->size > USER_END)
        return -ENOMEM;
    if (!(ask->flags & MAP_SHARED))
        return -EINVAL;
    if (!(ask->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)))
        return 0;
    if (address > USER_END - ask->size)
        return -ENOMEM;
    return address & (SGX_PAGE_SIZE - 1) ? -EINVAL : 0;
}

/*
 * What the kernel itself demands before it asks the driver. 0, and what mprotect may later grant,
 * or a negative errno.
 */
static int may_open_mapping(const struct enclave *e, int fd, const struct ask *ask, int *ret_may)
{
    const int mode = fcntl(fd, F_GETFL) & O_ACCMODE;
    int r;

    if (security_denies(e, ask->prot))
        return -EACCES;
    r = may_place(ask);
    if (r < 0)
        return r;
    if ((ask->flags & MAP_TYPE) == MAP_SHARED_VALIDATE && (ask->flags & ~MAP_LEGACY))
        return -EOPNOTSUPP;
    *ret_may = PROT_ALL;
    if (mode == O_RDONLY)
        *ret_may &= ~PROT_WRITE;
    if (mode == O_WRONLY || (ask->prot & PROT_WRITE & ~*ret_may))
        return -EACCES;
    if (e->file->profile == PROFILE_NOEXEC)
        *ret_may &= ~PROT_EXEC;
    return ask->prot & PROT_EXEC & ~*ret_may ? -EPERM : 0;
}

UNCONFIRMED(MAP_POPULATE);

static intptr_t map_device(struct enclave *e, int fd, void *address, size_t size, int prot,
                           int flags, off_t offset)
{
    uint64_t start, end;
    intptr_t at;
    int may, r;

    if (offset & (off_t)(SGX_PAGE_SIZE - 1))
        return -EINVAL;
    r = may_open_mapping(e, fd, &(struct ask){address, size, prot, flags}, &may);
    size = (size + SGX_PAGE_SIZE - 1) & SGX_PAGE_MASK;
    if (r < 0)
        return r;

    /* Without MAP_FIXED the address is known only after the kernel found one. */
    if (!(flags & MAP_FIXED)) {
        at = mm_place(address, size, flags);
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
        mm_forget(start, size);
        at = mm_place(address, size, flags);
        if (at < 0)
            return at;
    }

    enclave_lock(e);
    r = vma_insert(e, (struct vma){.start = start,
                                   .end = end,
                                   .offset = (uint64_t)offset,
                                   .prot = prot & PROT_ALL,
                                   .may = may});
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
    struct enclave *e;
    sigset_t saved;
    intptr_t r;

    if (!enclave_any() && (fd < 0 || (flags & MAP_ANONYMOUS) || !view_possible(fd))) {
        void *at = mmap(address, size, prot, flags, fd, offset);

        return at == MAP_FAILED ? -errno : (intptr_t)at;
    }
    driver_enter(&saved);
    e = fd >= 0 && !(flags & MAP_ANONYMOUS) ? enclave_use(fd) : NULL;
    if (e) {
        r = map_device(e, fd, address, size, prot, flags, offset);
        TRACE_EVENT(e, TRACE_MMAP, NULL, trace_hex("address", "%", r < 0 ? (intptr_t)address : r),
                    trace_hex("size", "+%", size), trace_prot(prot),
                    trace_system_result(r < 0 ? r : 0));
        enclave_release_fd(e);
    } else if (fd >= 0 && !(flags & MAP_ANONYMOUS) && is_provision(fd)) {
        r = -ENODEV;
    } else {
        void *at;

        at = mmap(address, size, prot, flags, fd, offset);
        r = at == MAP_FAILED ? -errno : (intptr_t)at;
        if (r >= 0 && (flags & MAP_FIXED)) /* one that is refused leaves everything as it is */
            mm_forget((uint64_t)r, (size + SGX_PAGE_SIZE - 1) & SGX_PAGE_MASK);
    }
    driver_leave(&saved);
    return r;
}

static void find_part(struct enclave *e, void *arg)
{
    struct part *part = arg;
    const struct vma *vma;

    enclave_lock(e);
    vma = vma_first(e, part->start, part->end);
    if (vma && vma->start <= part->start) {
        part->e = e;
        if (vma->end < part->end)
            part->end = vma->end;
    } else if (vma) {
        part->end = vma->start;
        part->e = NULL;
    }
    enclave_unlock(e);
}

struct part mm_part(uint64_t start, uint64_t end)
{
    struct part part = {.start = start, .end = end};

    enclave_each(find_part, &part);
    return part;
}

/* mprotect of what is, or was a moment ago, one mapping of e. */
static int protect_device(struct enclave *e, uint64_t start, uint64_t end, int prot)
{
    const struct vma *vma;
    int r = 0;

    if (prot & ~PROT_VALID) /* PROT_GROWSDOWN is for stacks */
        return -EINVAL;
    enclave_lock(e);
    vma = vma_find(e, start);
    if (!vma || vma->end < end)
        r = -ENOMEM;
    else if ((prot & PROT_ALL & ~vma->may) || security_denies(e, prot))
        r = -EACCES;
    if (r == 0)
        r = may_map(e, start, end, prot);
    if (r == 0)
        r = vma_protect(e, start, end, prot & PROT_ALL);
    if (r == 0 && enclave_contains(e, start))
        pagetable_protect(e, enclave_page(e, start), enclave_page(e, end - 1) + 1, prot & PROT_ALL);
    enclave_unlock(e);
    return r;
}

/*
 * Linux goes through the mappings of the range from below: those before one that refuses, or before
 * a hole, are changed all the same.
 */
static int protect_range(uint64_t start, uint64_t end, int prot, struct enclave **ret_first)
{
    int r = 0;

    *ret_first = NULL;
    while (r == 0 && start < end) {
        const struct part part = mm_part(start, end);

        if (part.e && !*ret_first)
            *ret_first = part.e;
        if (part.e)
            r = protect_device(part.e, start, part.end, prot);
        else
            r = mprotect((void *)(uintptr_t)start, part.end - start, prot) < 0 ? -errno : 0;
        start = part.end;
    }
    return r;
}

int sgx2_mprotect(void *address, size_t size, int prot)
{
    const uint64_t start = (uint64_t)(uintptr_t)address;
    const uint64_t end = start + ((size + SGX_PAGE_SIZE - 1) & SGX_PAGE_MASK);
    struct enclave *e;
    sigset_t saved;
    int r;

    if (!enclave_any() || (start & (SGX_PAGE_SIZE - 1)) || end <= start)
        return mprotect(address, size, prot) < 0 ? -errno : 0;
    driver_enter(&saved);
    r = protect_range(start, end, prot, &e);
    if (e)
        COUNT(e, mprotects);
    driver_leave(&saved);
    if (e)
        TRACE_EVENT(e, TRACE_MPROTECT, NULL, trace_hex("address", "%", start),
                    trace_hex("size", "+%", size), trace_prot(prot), trace_system_result(r));
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

    if (!enclave_any())
        return munmap(address, size) < 0 ? -errno : 0;
    if ((uintptr_t)address & (SGX_PAGE_SIZE - 1))
        return -EINVAL;
    driver_enter(&saved);
    r = munmap(address, size) < 0 ? -errno : 0;
    if (r == 0) {
        mm_forget((uint64_t)(uintptr_t)address, (size + SGX_PAGE_SIZE - 1) & SGX_PAGE_MASK);
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
