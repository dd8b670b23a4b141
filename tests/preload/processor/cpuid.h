/* SPDX-License-Identifier: Apache-2.0 */
/*
 * <cpuid.h> for a program that is to run on the model and asks the processor whether it has SGX2.
 *
 * CPUID is an instruction: no library can answer it. A program that is compiled with this folder in
 * front of the system's headers asks the model instead, if that is there, by the same macro.
 */
#ifndef APERTURE_MODEL_CPUID_H
#define APERTURE_MODEL_CPUID_H

#include_next <cpuid.h>

#include <dlfcn.h>
#include <stddef.h>

struct aperture_cpuid {
    unsigned eax, ebx, ecx, edx;
};

static inline struct aperture_cpuid aperture_cpuid(unsigned leaf, unsigned subleaf)
{
    /* NULL is RTLD_DEFAULT, which not every program asks <dlfcn.h> for. */
    void (*ask)(unsigned, unsigned, struct aperture_cpuid *) =
        (void (*)(unsigned, unsigned, struct aperture_cpuid *))dlsym(NULL, "sgx2_cpuid");
    struct aperture_cpuid r;

    long unknown;

    if (ask) {
        ask(leaf, subleaf, &r);
        return r;
    }
    /* A program that ap-run hosts: the model's own call, which Linux does not have. */
    __asm__ volatile("syscall"
                     : "=a"(unknown)
                     : "a"(0x53475832l), "D"((long)leaf), "S"((long)subleaf), "d"(&r)
                     : "rcx", "r11", "memory");
    if (unknown)
        __cpuid_count(leaf, subleaf, r.eax, r.ebx, r.ecx, r.edx);
    return r;
}

#undef __cpuid_count
#define __cpuid_count(leaf, subleaf, a, b, c, d)                                                   \
    do {                                                                                           \
        const struct aperture_cpuid cpuid_ = aperture_cpuid(leaf, subleaf);                        \
                                                                                                   \
        (a) = cpuid_.eax;                                                                          \
        (b) = cpuid_.ebx;                                                                          \
        (c) = cpuid_.ecx;                                                                          \
        (d) = cpuid_.edx;                                                                          \
        (void)(a), (void)(b), (void)(c), (void)(d);                                                \
    } while (0)

#endif
