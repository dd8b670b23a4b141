/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mappings of an enclave's device, as a sorted array. A process has few of them: one a segment
 * or region, more where a host keeps its mappings strictly W xor X. Linux never joins mappings of
 * this device, since they are VM_PFNMAP (vma_merge() in mm/mmap.c), so nor are they here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "driver/enclave.h"

/* Index of the first mapping that ends after address. */
static size_t vma_index(const struct enclave *e, uint64_t address)
{
    size_t low = 0, high = e->vma_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (e->vmas[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct vma *vma_find(const struct enclave *e, uint64_t address)
{
    size_t i = vma_index(e, address);

    return i < e->vma_count && e->vmas[i].start <= address ? &e->vmas[i] : NULL;
}

const struct vma *vma_first(const struct enclave *e, uint64_t start, uint64_t end)
{
    size_t i = vma_index(e, start);

    return i < e->vma_count && e->vmas[i].start < end ? &e->vmas[i] : NULL;
}

/* Room for two more: an operation splits at most two mappings. */
static int vma_room(struct enclave *e)
{
    size_t capacity = e->vma_capacity ? e->vma_capacity * 2 : 16;
    struct vma *grown;

    if (e->vma_count + 2 <= e->vma_capacity)
        return 0;
    grown = realloc(e->vmas, capacity * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    e->vmas = grown;
    e->vma_capacity = capacity;
    return 0;
}

static void vma_put_at(struct enclave *e, size_t i, struct vma vma)
{
    memmove(&e->vmas[i + 1], &e->vmas[i], (e->vma_count - i) * sizeof *e->vmas);
    e->vmas[i] = vma;
    e->vma_count++;
}

static void vma_drop(struct enclave *e, size_t i, size_t count)
{
    memmove(&e->vmas[i], &e->vmas[i + count], (e->vma_count - i - count) * sizeof *e->vmas);
    e->vma_count -= count;
}

/* Make address a boundary between mappings. The caller made room. */
static void vma_split(struct enclave *e, uint64_t address)
{
    size_t i = vma_index(e, address);

    if (i == e->vma_count || e->vmas[i].start >= address)
        return;
    vma_put_at(e, i, e->vmas[i]);
    e->vmas[i].end = address;
    e->vmas[i + 1].start = address;
    e->vmas[i + 1].offset += address - e->vmas[i].start;
}

int vma_remove(struct enclave *e, uint64_t start, uint64_t end)
{
    size_t first, last;

    if (vma_room(e) < 0)
        return -ENOMEM;
    vma_split(e, start);
    vma_split(e, end);
    first = vma_index(e, start);
    for (last = first; last < e->vma_count && e->vmas[last].start < end;)
        last++;
    vma_drop(e, first, last - first);
    return 0;
}

int vma_insert(struct enclave *e, struct vma vma)
{
    int r = vma_remove(e, vma.start, vma.end);

    if (r == 0)
        r = vma_room(e);
    if (r < 0)
        return r;
    vma_put_at(e, vma_index(e, vma.start), vma);
    return 0;
}

/* The same for a change: a mapping that already is as asked for stays in one piece. */
static void vma_split_if(struct enclave *e, uint64_t address, bool (*same)(const struct vma *, int),
                         int value)
{
    const size_t i = vma_index(e, address);

    if (i < e->vma_count && !same(&e->vmas[i], value))
        vma_split(e, address);
}

static bool same_prot(const struct vma *vma, int prot)
{
    return vma->prot == prot;
}

static bool same_dontcopy(const struct vma *vma, int dontcopy)
{
    return vma->dontcopy == dontcopy;
}

int vma_protect(struct enclave *e, uint64_t start, uint64_t end, int prot)
{
    if (vma_room(e) < 0)
        return -ENOMEM;
    vma_split_if(e, start, same_prot, prot);
    vma_split_if(e, end, same_prot, prot);
    for (size_t i = vma_index(e, start); i < e->vma_count && e->vmas[i].start < end; i++)
        e->vmas[i].prot = prot;
    return 0;
}

int vma_dontcopy(struct enclave *e, uint64_t start, uint64_t end)
{
    if (vma_room(e) < 0)
        return -ENOMEM;
    vma_split_if(e, start, same_dontcopy, true);
    vma_split_if(e, end, same_dontcopy, true);
    for (size_t i = vma_index(e, start); i < e->vma_count && e->vmas[i].start < end; i++)
        e->vmas[i].dontcopy = true;
    return 0;
}
