/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc.h - the text of a snapshot of /proc/self/maps or smaps
 */
#ifndef MODEL_PRELOAD_PROC_H
#define MODEL_PRELOAD_PROC_H

#include <stddef.h>

struct vma;

/* Where the text goes. Zero but for fd. */
struct proc_out {
    int fd;
    int error; /* 0, or the negative errno of the first write that failed; the rest is dropped */
    size_t used;
    char buffer[4096];
};

void proc_write(struct proc_out *out, const char *text, size_t size);
void proc_flush(struct proc_out *out);

/*
 * Write the kernel's text (of maps, or of smaps) with the mappings of enclaves, count of them by
 * ascending address, in the place of whatever the kernel shows at their addresses.
 */
void proc_write_maps(struct proc_out *out, const char *text, const struct vma *vmas, size_t count);

#endif
