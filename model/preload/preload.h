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

/* Any system call, in the kernel's convention: a negative errno for a failure. */
long raw_syscall(long number, const unsigned long args[6]);

/* Is path one of the device's nodes? */
bool is_node(const char *path);

/*
 * The node that path is, however it is spelt, or a link of /proc to a descriptor of it (unless
 * flags have AT_SYMLINK_NOFOLLOW), or that dir is open on if path is empty (and flags have
 * AT_EMPTY_PATH); NULL for anything else. "/dev/sgx_enclave" or "/dev/sgx_provision".
 */
const char *node_at(int dir, const char *path, int flags);

/* The node that fd is open on, by O_PATH too; NULL for anything else. */
const char *node_by_fd(int fd);

/* The memory files behind descriptors, as /proc shows their names. */
#define ENCLAVE_FILE        "sgx_enclave"
#define PROVISION_FILE      "sgx_provision"
#define PATH_FILE           "sgx_enclave (path)" /* the nodes opened with O_PATH */
#define PROVISION_PATH_FILE "sgx_provision (path)"

#define LINK_SIZE 128

/*
 * Where the link at path, in /proc, should lead: a node, if it is a descriptor of the device; a
 * file of /proc, if it is a snapshot; NULL: where it leads.
 */
const char *link_target(int dir, const char *path, char text[static LINK_SIZE]);

/* readlinkat(2), as answer_call() answers it; buffer may point anywhere. */
bool link_answer(int dir, const char *path, unsigned long buffer, size_t size, long *ret_result);

/* close_range(2), likewise. */
bool close_range_answer(const unsigned long args[6], long *ret_result);

/* Is path, by its name, a file of /proc that shows what differs here? Then open it by proc_open().
 */
bool proc_is(const char *path);

/*
 * open(2) of such a file. If it shows this process, the descriptor is one of a snapshot with the
 * model's view, taken now: the kernel makes the text when it is read. -1 and errno.
 */
int proc_open(int dir, const char *path, int flags, mode_t mode);

/* What stat(2) says of a node. */
void stat_node(const char *path, struct stat *ret_stat);

/* What statx(2) says of it. */
struct statx;
void statx_node(const char *node, struct statx *ret_statx);

/*
 * open(2) of anything: a node, a file of /proc that shows mappings or the auxiliary vector, or what
 * the kernel has. -1 and errno, as from libc.
 */
int open_call(int dir, const char *path, int flags, mode_t mode);

/*
 * The system calls on descriptors and memory that the device answers otherwise than a memory file
 * would: read, write, lseek, ftruncate, splice, madvise, mremap, close_range, readlink and their
 * like, by number (answer.c). True: it is one and concerns the device, and *ret_result is what the
 * kernel would return. False: nothing has been done, and the call is the kernel's or another
 * function's.
 */
bool answer_call(long number, const unsigned long args[6], long *ret_result);

/*
 * A system call as a program issued it, in the kernel's convention: a negative errno for a failure.
 * What concerns the device's nodes, their descriptors and memory, or signals goes to the model; the
 * rest goes to the kernel as it came. Pointers may point anywhere: -EFAULT.
 */
long dispatch_call(long number, const unsigned long args[6]);

/* The same where it concerns the model. False: it is the kernel's, and has not been made. */
bool dispatch_model(long number, const unsigned long args[6], long *ret_result);

/*
 * sgx2_cpuid() as a call of the model's own: leaf, subleaf, where the four registers go. Linux has
 * no such number, and answers -ENOSYS. Statically linked programs ask by it.
 */
#define DISPATCH_CPUID 0x53475832

/* rt_sigaction(2) alone. */
long call_sigaction(const unsigned long args[6]);

/*
 * A string of the program at `from`, with its end, into `to`. Returns its length; `size` if it does
 * not fit or cannot be read.
 */
size_t user_string(char *to, size_t size, uint64_t from);

/*
 * An ELF image like the kernel's vDSO at `kernel`: each of its functions, which jump to the
 * kernel's, and __vdso_sgx_enter_enclave. Programs find it through AT_SYSINFO_EHDR. NULL if there
 * is no memory; `kernel` may be NULL.
 */
void *vdso_build(const void *kernel);

#endif
