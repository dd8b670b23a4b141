/* SPDX-License-Identifier: Apache-2.0 */
/*
 * preload.h - libsgx2.so: the model between a program and the kernel
 *
 * The library defines the libc functions through which a program meets /dev/sgx_enclave, its
 * memory, its signals and the vDSO. What concerns an enclave goes to the model; everything else
 * goes to the kernel as it came. The model's own uses of these names never come here: the linker
 * turns each into the raw system call (raw.c).
 */
#ifndef MODEL_PRELOAD_PRELOAD_H
#define MODEL_PRELOAD_PRELOAD_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* The functions that programs find here instead of in libc. */
#define INTERPOSED __attribute__((visibility("default")))

/* A negative errno, as the model returns it, becomes what libc returns. */
static inline int libc_result(int r)
{
    if (r >= 0)
        return r;
    errno = -r;
    return -1;
}

/* The system calls themselves: -1 and errno. */
int raw_open(int dir, const char *path, int flags, mode_t mode);
int raw_close(int fd);
int raw_fcntl(int fd, int command, unsigned long arg);
int raw_fstat(int fd, struct stat *st);
void *raw_mmap(void *address, size_t size, int prot, int flags, int fd, off_t offset);
int raw_munmap(void *address, size_t size);
int raw_mprotect(void *address, size_t size, int prot);

/* Is path one of the device's nodes? */
bool is_node(const char *path);

/* The node that path is, or that dir is open on if path is empty; NULL for anything else. */
const char *node_at(int dir, const char *path, int flags);

/* What stat(2) says of a node. */
void stat_node(const char *path, struct stat *ret_stat);

/*
 * An ELF image like the kernel's vDSO at `kernel`: each of its functions, which jump to the
 * kernel's, and __vdso_sgx_enter_enclave. Programs find it through AT_SYSINFO_EHDR. NULL if there
 * is no memory; `kernel` may be NULL.
 */
void *vdso_build(const void *kernel);

#endif
