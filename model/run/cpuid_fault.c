/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPUID faulting: on processors that have it, Linux can make CPUID raise #GP at CPL 3, thread by
 * thread. Inside an enclave that is what #UD is made of; outside, the instruction is carried out
 * here, with the answers of the modelled processor.
 *
 * Threads inherit it from those that make them, programs that are executed do not.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "model.h"
#include "run/run.h"

#define ARCH_SET_CPUID 0x1012 /* asm/prctl.h: 1 CPUID works, 0 it faults */

static bool armed;

int sgx2_cpuid_arm(void)
{
    sigset_t saved;

    run_features(); /* while CPUID is there for the asking */
    if (syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0ul) < 0)
        return -errno;
    __atomic_store_n(&armed, true, __ATOMIC_RELAXED);
    driver_enter(&saved);
    run_install();
    driver_leave(&saved);
    return 0;
}

void cpuid_native(uint32_t leaf, uint32_t subleaf, struct sgx2_cpuid *ret)
{
    const bool faults = __atomic_load_n(&armed, __ATOMIC_RELAXED);

    if (faults)
        syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1ul);
    __asm__ volatile("cpuid"
                     : "=a"(ret->eax), "=b"(ret->ebx), "=c"(ret->ecx), "=d"(ret->edx)
                     : "a"(leaf), "c"(subleaf));
    if (faults)
        syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0ul);
}

/* CPUID takes no operands; compilers put no prefix before it. */
static bool at_cpuid(const ucontext_t *uc)
{
    uint8_t code[CPUID_LENGTH];

    return fetch_host((uint64_t)uc->uc_mcontext.gregs[REG_RIP], code, sizeof code) == sizeof code &&
           memcmp(code, (const uint8_t[]){0x0f, 0xa2}, sizeof code) == 0;
}

bool cpuid_emulate(int sig, ucontext_t *uc)
{
    greg_t *gregs = uc->uc_mcontext.gregs;
    struct sgx2_cpuid answer;

    if (sig != SIGSEGV || gregs[REG_TRAPNO] != SGX_VECTOR_GP || !at_cpuid(uc))
        return false;
    sgx2_cpuid((uint32_t)gregs[REG_RAX], (uint32_t)gregs[REG_RCX], &answer);
    gregs[REG_RAX] = answer.eax; /* and the upper halves are cleared */
    gregs[REG_RBX] = answer.ebx;
    gregs[REG_RCX] = answer.ecx;
    gregs[REG_RDX] = answer.edx;
    gregs[REG_RIP] += CPUID_LENGTH;
    return true;
}
