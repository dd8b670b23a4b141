/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CPUID instruction where it faults: carried out on a synthetic context everywhere, and armed
 * where the processor can.
 */
#include <cpuid.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model.h"
#include "run/run.h"

#define SGX_BIT (1u << 2) /* 07H.0:EBX */

static ucontext_t context(const void *code, uint32_t leaf, uint32_t subleaf)
{
    ucontext_t uc;

    memset(&uc, 0, sizeof uc);
    uc.uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)code;
    uc.uc_mcontext.gregs[REG_TRAPNO] = SGX_VECTOR_GP;
    uc.uc_mcontext.gregs[REG_RAX] = (greg_t)(leaf | 0x7700000000000000);
    uc.uc_mcontext.gregs[REG_RCX] = (greg_t)(subleaf | 0x7700000000000000);
    uc.uc_mcontext.gregs[REG_RBX] = uc.uc_mcontext.gregs[REG_RDX] = -1;
    uc.uc_mcontext.gregs[REG_RSI] = 5;
    return uc;
}

static const uint8_t cpuid[] = {0x0f, 0xa2}, rdtsc[] = {0x0f, 0x31};

static void expect_answer(uint32_t leaf, uint32_t subleaf)
{
    ucontext_t uc = context(cpuid, leaf, subleaf);
    const greg_t *gregs = uc.uc_mcontext.gregs;
    struct sgx2_cpuid want;

    sgx2_cpuid(leaf, subleaf, &want);
    cr_assert(cpuid_emulate(SIGSEGV, &uc));
    cr_assert_eq(gregs[REG_RAX], want.eax, "leaf %#x: the upper half is clear too", leaf);
    cr_assert_eq(gregs[REG_RBX], want.ebx);
    cr_assert_eq(gregs[REG_RCX], want.ecx);
    cr_assert_eq(gregs[REG_RDX], want.edx);
    cr_assert_eq(gregs[REG_RSI], 5);
    cr_assert_eq(gregs[REG_RIP], (greg_t)(uintptr_t)(cpuid + 2));
}

Test(cpuid, a_cpuid_that_faulted_answers_as_the_modelled_processor)
{
    struct sgx2_cpuid features;

    expect_answer(0, 0);
    expect_answer(7, 0);
    expect_answer(0x12, 0);
    expect_answer(0x12, 1);
    expect_answer(0x12, 2);
    expect_answer(0x80000002, 0);
    sgx2_cpuid(7, 0, &features);
    cr_assert(features.ebx & SGX_BIT);
}

Test(cpuid, other_faults_are_not_cpuid)
{
    ucontext_t uc = context(rdtsc, 0, 0);
    const ucontext_t before = uc;

    cr_assert_not(cpuid_emulate(SIGSEGV, &uc));
    cr_assert_eq(memcmp(&uc, &before, sizeof uc), 0);
    uc = context(cpuid, 0, 0);
    cr_assert_not(cpuid_emulate(SIGILL, &uc), "not the signal");
    uc.uc_mcontext.gregs[REG_TRAPNO] = SGX_VECTOR_PF;
    cr_assert_not(cpuid_emulate(SIGSEGV, &uc), "not the vector");
    uc = context(NULL, 0, 0);
    cr_assert_not(cpuid_emulate(SIGSEGV, &uc), "no code there");
}

/* The last byte of a page is fetched without looking at the next. */
Test(cpuid, code_at_the_end_of_memory_is_looked_at_as_far_as_it_goes)
{
    uint8_t *page =
        mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ucontext_t uc = context(page + 4095, 0, 0);

    cr_assert_eq(munmap(page + 4096, 4096), 0);
    page[4095] = 0x0f;
    cr_assert_not(cpuid_emulate(SIGSEGV, &uc));
    memcpy(page + 4094, cpuid, sizeof cpuid);
    uc = context(page + 4094, 0x12, 0);
    cr_assert(cpuid_emulate(SIGSEGV, &uc));
}

Test(cpuid, the_instruction_itself_tells_of_sgx2_where_the_processor_lets_it)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
        const int r = sgx2_cpuid_arm();

        if (r < 0)
            _exit(r == -ENODEV ? 77 : 1);
        __cpuid_count(7, 0, eax, ebx, ecx, edx);
        if (!(ebx & SGX_BIT))
            _exit(2);
        __cpuid_count(0x12, 0, eax, ebx, ecx, edx);
        _exit((eax & 3) == 3 ? 0 : 3);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        cr_skip_test("no CPUID faulting on this processor");
    cr_assert_eq(WEXITSTATUS(status), 0);
}
