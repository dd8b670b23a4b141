/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mappings of all enclaves of this process, as one list.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "driver/enclave.h"

struct list {
    struct vma *vmas;
    size_t count;
    bool failed;
};

static void append(struct enclave *e, void *arg)
{
    struct list *list = arg;
    struct vma *grown;

    enclave_lock(e);
    if (e->vma_count && !list->failed) {
        grown = realloc(list->vmas, (list->count + e->vma_count) * sizeof *grown);
        if (grown) {
            memcpy(grown + list->count, e->vmas, e->vma_count * sizeof *grown);
            list->vmas = grown;
            list->count += e->vma_count;
        } else {
            list->failed = true;
        }
    }
    enclave_unlock(e);
}

static int by_address(const void *a, const void *b)
{
    const struct vma *const v = a, *const w = b;

    return v->start < w->start ? -1 : v->start > w->start;
}

ssize_t listing_take(struct vma **ret_vmas)
{
    struct list list = {0};
    sigset_t saved;

    driver_enter(&saved);
    enclave_each(append, &list);
    driver_leave(&saved);
    if (list.failed) {
        free(list.vmas);
        return -ENOMEM;
    }
    if (list.count)
        qsort(list.vmas, list.count, sizeof *list.vmas, by_address);
    *ret_vmas = list.vmas;
    return (ssize_t)list.count;
}
