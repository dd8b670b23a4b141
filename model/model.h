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
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

int sgx2_open(const char *path, int flags);

/*
 * Which Linux the model plays, for enclaves that are opened from now on: mainline, sgx1, static,
 * wxorx or noexec, as model/driver/profile.h defines them. NULL: what the environment variable
 * APERTURE_DRIVER says, which is also what counts without this call. -EINVAL for an unknown name.
 */
int sgx2_set_profile(const char *name);

int sgx2_ioctl(int fd, unsigned long request, void *argument);
intptr_t sgx2_mmap(void *address, size_t size, int prot, int flags, int fd, off_t offset);
int sgx2_mprotect(void *address, size_t size, int prot);
int sgx2_munmap(void *address, size_t size);
int sgx2_close(int fd);

/*
 * The calls on memory that do not ask the driver, but mind what kind of mapping it makes
 * (VM_PFNMAP, VM_IO, VM_DONTEXPAND, VM_DONTDUMP): it may shrink and move but not grow, is never
 * locked, synced or resident, and takes little advice. sgx2_mlock() is mlock2(2).
 */
intptr_t sgx2_mremap(void *address, size_t old_size, size_t new_size, unsigned long flags,
                     void *to);
int sgx2_madvise(void *address, size_t size, int advice);
int sgx2_mlock(const void *address, size_t size, unsigned flags);
int sgx2_munlock(const void *address, size_t size);
int sgx2_msync(void *address, size_t size, int flags);
int sgx2_mincore(void *address, size_t size, unsigned char *vector);

/* dup3(2) and fcntl(2). A copy of an enclave's descriptor keeps the enclave, so the model counts.
 */
int sgx2_dup3(int fd, int to, int flags);
int sgx2_fcntl(int fd, int command, unsigned long arg);

/* The path of the device's node that fd was opened by, or NULL: an ordinary descriptor. */
const char *sgx2_node(int fd);

/* The contract of __vdso_sgx_enter_enclave, word for word. */
int sgx2_enter_enclave(unsigned long rdi, unsigned long rsi, unsigned long rdx,
                       unsigned int function, unsigned long r8, unsigned long r9,
                       struct sgx_enclave_run *run);

/*
 * Signals. A thread inside an enclave has an address space, a stack and thread pointers that no
 * handler of the host could use, so the model's handlers stand before the program's. A program
 * whose calls come here instead of the kernel sees nothing of that: its handler is called outside
 * the enclave, on the stack and with the mask it asked for, as Linux would after an AEX.
 *
 * sgx2_signals_take_all() says that all of the program's calls come here from now on. Without it
 * only the signals that mean something in an enclave are taken, when a thread first enters. A
 * program that is linked with the model need not say so: its calls of sigaction() and the like do
 * come here (preload/signal.c, run/linked.c).
 */
void sgx2_signals_take_all(void);

/* Are the model's handlers in place, so that the program's calls have to come here? */
bool sgx2_signals_in_front(void);

int sgx2_sigaction(int sig, const struct sigaction *action, struct sigaction *old);
int sgx2_sigmask(int how, const sigset_t *set, sigset_t *old);
int sgx2_sigaltstack(const stack_t *stack, stack_t *old);

/*
 * This process ends now, whatever it still has open: the summaries that were asked for by
 * APERTURE_COUNT, APERTURE_COST or a trace are written, each once (driver/report.h). Called when
 * the library is unloaded; those who end a process by other ways call it before.
 */
void sgx2_process_ends(void);

/* CPUID, as the modelled processor answers. */
struct sgx2_cpuid {
    uint32_t eax, ebx, ecx, edx;
};

__attribute__((visibility("default"))) void sgx2_cpuid(uint32_t leaf, uint32_t subleaf,
                                                       struct sgx2_cpuid *ret);

/*
 * Make the CPUID instruction answer as sgx2_cpuid() does, in this thread and in those that it makes
 * from now on, and raise #UD in enclaves. Signal handlers are in place from then on. -ENODEV: the
 * processor or the kernel has no CPUID faulting; CPUID then says what the machine is, inside too.
 */
int sgx2_cpuid_arm(void);

#endif
