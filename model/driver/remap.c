/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mremap(2). The device's mappings are VM_PFNMAP and VM_DONTEXPAND: they may shrink and move, as
 * the driver does not object, but never grow.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "driver/enclave.h"
#include "model.h"
#include "trace.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

#define USER_END UINT64_C(0x7ffffffff000) /* TASK_SIZE */

struct move {
    uint64_t from, old_size, new_size;
    uint64_t flags;
    uint64_t to;
};

static intptr_t remap_natively(const struct move *m)
{
    const long r = syscall(SYS_mremap, m->from, m->old_size, m->new_size, m->flags, m->to);

    return r < 0 ? -errno : (intptr_t)r;
}

/* Memory that is no enclave's moved: what it left or covered may have been. */
static intptr_t remap_other(const struct move *m)
{
    const intptr_t r = remap_natively(m);

    if (r < 0)
        return r;
    if (m->flags & MREMAP_FIXED)
        mm_forget(m->to, (m->new_size + SGX_PAGE_SIZE - 1) & SGX_PAGE_MASK);
    if (m->old_size > m->new_size && m->from + m->new_size >= m->from)
        mm_forget((m->from + m->new_size + SGX_PAGE_SIZE - 1) & SGX_PAGE_MASK,
                  (m->old_size - m->new_size) & SGX_PAGE_MASK);
    return r;
}

static int unmap(uint64_t start, uint64_t size)
{
    if (munmap((void *)(uintptr_t)start, size) < 0)
        return -errno;
    mm_forget(start, size);
    return 0;
}

/* The mapping is shown at its new place; pages come there when they are touched. */
static int attach(struct enclave *e, struct vma vma)
{
    uint64_t low = vma.start, high = vma.end;
    const int r = vma_insert(e, vma);

    if (r < 0 || !e->file->created)
        return r;
    if (low < e->file->base)
        low = e->file->base;
    if (high > e->file->base + e->file->size)
        high = e->file->base + e->file->size;
    return low < high ? pagetable_attach(e, low, high) : 0;
}

/* All of [from, from + size) lies in one mapping of e. Neither mmap's checks nor the driver's. */
static intptr_t move(struct enclave *e, const struct move *m, uint64_t size)
{
    const struct vma *found;
    struct vma vma;
    intptr_t r = mm_place((void *)(uintptr_t)m->to, size, MAP_FIXED);

    if (r < 0)
        return r;
    enclave_lock(e);
    found = vma_find(e, m->from);
    if (!found || found->end - m->from < size) { /* another thread's munmap, meanwhile */
        r = -EFAULT;
    } else {
        vma = *found;
        vma.offset += m->from - vma.start;
        vma.start = m->to;
        vma.end = m->to + size;
        mm_drop(e, m->from, m->from + size);
        munmap((void *)(uintptr_t)m->from, size);
        r = attach(e, vma);
    }
    enclave_unlock(e);
    return r < 0 ? r : (intptr_t)m->to;
}

/* May size bytes from m->from on be moved, and do they lie in one mapping? */
static int may_move(struct enclave *e, const struct move *m, uint64_t size)
{
    const struct vma *vma;
    int r;

    enclave_lock(e);
    vma = vma_find(e, m->from);
    if (!vma)
        r = -EFAULT;
    else if (m->flags & MREMAP_DONTUNMAP)
        r = -EINVAL;
    else
        r = size > vma->end - m->from || m->new_size != size ? -EFAULT : 0;
    enclave_unlock(e);
    return r;
}

/* mremap_to() */
static intptr_t remap_to(struct enclave *e, const struct move *m)
{
    uint64_t size = m->old_size;
    int r = 0;

    if ((m->to & (SGX_PAGE_SIZE - 1)) || m->new_size > USER_END || m->to > USER_END - m->new_size ||
        (m->from + m->old_size > m->to && m->to + m->new_size > m->from))
        return -EINVAL;
    if (m->flags & MREMAP_FIXED)
        r = unmap(m->to, m->new_size);
    if (r == 0 && size > m->new_size) {
        r = unmap(m->from + m->new_size, size - m->new_size);
        size = m->new_size;
    }
    if (r == 0)
        r = may_move(e, m, size);
    return r < 0 ? r : move(e, m, size);
}

static intptr_t remap_device(struct enclave *e, struct move m)
{
    const uint64_t known = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
    int r;

    if ((m.flags & ~known) || (m.flags & MREMAP_FIXED && !(m.flags & MREMAP_MAYMOVE)) ||
        (m.flags & MREMAP_DONTUNMAP && (!(m.flags & MREMAP_MAYMOVE) || m.old_size != m.new_size)) ||
        (m.from & (SGX_PAGE_SIZE - 1)))
        return -EINVAL;
    m.old_size = (m.old_size + SGX_PAGE_SIZE - 1) & SGX_PAGE_MASK;
    m.new_size = (m.new_size + SGX_PAGE_SIZE - 1) & SGX_PAGE_MASK;
    if (!m.new_size)
        return -EINVAL;
    if (m.flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
        return remap_to(e, &m);
    if (m.old_size < m.new_size)
        return -EFAULT;
    r = m.old_size > m.new_size ? unmap(m.from + m.new_size, m.old_size - m.new_size) : 0;
    return r < 0 ? r : (intptr_t)m.from;
}

intptr_t sgx2_mremap(void *address, size_t old_size, size_t new_size, unsigned long flags, void *to)
{
    const struct move m = {.from = (uint64_t)(uintptr_t)address,
                           .old_size = old_size,
                           .new_size = new_size,
                           .flags = flags,
                           .to = (uint64_t)(uintptr_t)to};
    struct enclave *e;
    sigset_t saved;
    intptr_t r;

    if (!enclave_any() || !enclave_is_ours())
        return remap_natively(&m);
    driver_enter(&saved);
    e = enclave_by_address(m.from);
    r = e ? remap_device(e, m) : remap_other(&m);
    driver_leave(&saved);
    if (e)
        TRACE("mremap", "%p +%#zx to +%#zx -> %ld", address, old_size, new_size,
              r < 0 ? (long)r : 0L);
    return r;
}
