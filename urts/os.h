/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os.h - the seam: the mainline kernel's SGX ABI as a table of seven functions
 *
 * urts speaks only this. One table calls Linux, one calls the model with the same arguments,
 * structures and errno values, and nothing above can tell which it is. Tests put a table of their
 * own in between to play the hostile host.
 *
 * Every function returns what the system call returns: 0 or more on success, a negative errno on
 * failure. Structures and ioctl numbers are those of <asm/sgx.h>.
 */
#ifndef URTS_OS_H
#define URTS_OS_H

#include <asm/sgx.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* __vdso_sgx_enter_enclave: see <asm/sgx.h> for the contract. */
typedef int os_enter_enclave(unsigned long rdi, unsigned long rsi, unsigned long rdx,
                             unsigned int function, unsigned long r8, unsigned long r9,
                             struct sgx_enclave_run *run);

struct os {
    const char *name; /* "kernel" or "model" */
    int (*open)(const char *path, int flags);
    int (*ioctl)(int fd, unsigned long request, void *argument);
    intptr_t (*mmap)(void *address, size_t size, int prot, int flags, int fd, off_t offset);
    int (*mprotect)(void *address, size_t size, int prot);
    int (*munmap)(void *address, size_t size);
    int (*close)(int fd);
    os_enter_enclave *enter_enclave; /* NULL if this machine has none */
};

/*
 * os_kernel() - the table that calls Linux. enter_enclave is found through AT_SYSINFO_EHDR.
 * os_model()  - the table that calls the software SGX2.
 */
const struct os *os_kernel(void);
const struct os *os_model(void);

#endif
