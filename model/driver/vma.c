/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mappings of an enclave's device, as a sorted array. A process has few of them: one a segment
 * or region, more only while a host keeps its mappings strictly W xor X.
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

/* Is b the continuation of a? */
static bool vma_continues(const struct vma *a, const struct vma *b)
{
    return a->end == b->start && a->offset + (a->end - a->start) == b->offset &&
           a->prot == b->prot && a->may == b->may && a->dontcopy == b->dontcopy;
}

/* Join equal neighbours around [start, end]. */
static void vma_merge(struct enclave *e, uint64_t start, uint64_t end)
{
    size_t i = vma_index(e, start);

    if (i > 0)
        i--;
    while (i + 1 < e->vma_count && e->vmas[i].start <= end) {
        struct vma *v = &e->vmas[i];

        if (vma_continues(v, v + 1)) {
            v->end = v[1].end;
            vma_drop(e, i + 1, 1);
        } else {
            i++;
        }
    }
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
    vma_merge(e, vma.start, vma.end);
    return 0;
}

int vma_protect(struct enclave *e, uint64_t start, uint64_t end, int prot)
{
    if (vma_room(e) < 0)
        return -ENOMEM;
    vma_split(e, start);
    vma_split(e, end);
    for (size_t i = vma_index(e, start); i < e->vma_count && e->vmas[i].start < end; i++)
        e->vmas[i].prot = prot;
    vma_merge(e, start, end);
    return 0;
}

int vma_dontcopy(struct enclave *e, uint64_t start, uint64_t end)
{
    if (vma_room(e) < 0)
        return -ENOMEM;
    vma_split(e, start);
    vma_split(e, end);
    for (size_t i = vma_index(e, start); i < e->vma_count && e->vmas[i].start < end; i++)
        e->vmas[i].dontcopy = true;
    vma_merge(e, start, end);
    return 0;
}
