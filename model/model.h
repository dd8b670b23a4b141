/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.h - the software SGX2 as a machine: its device, its mappings, its vDSO
 *
 * Arguments, structures, results and errno values are those of the Linux calls of the same names
 * (drivers: arch/x86/kernel/cpu/sgx of Linux 6.x). Each function returns 0 or more on success and a
 * negative errno on failure. The model is a development and test vehicle: it does not protect an
 * enclave's secrets from the host.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <asm/sgx.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

int sgx2_open(const char *path, int flags);
int sgx2_ioctl(int fd, unsigned long request, void *argument);
intptr_t sgx2_mmap(void *address, size_t size, int prot, int flags, int fd, off_t offset);
int sgx2_mprotect(void *address, size_t size, int prot);
int sgx2_munmap(void *address, size_t size);
int sgx2_close(int fd);

/* The contract of __vdso_sgx_enter_enclave, word for word. */
int sgx2_enter_enclave(unsigned long rdi, unsigned long rsi, unsigned long rdx,
                       unsigned int function, unsigned long r8, unsigned long r9,
                       struct sgx_enclave_run *run);

#endif
