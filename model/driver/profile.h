/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile.h - which Linux the model plays: the driver's age, and the policy around it
 *
 * The environment variable APERTURE_DRIVER, or sgx2_set_profile(), names a profile. It is fixed for
 * an enclave when its device is opened. An unknown name makes open fail with EINVAL.
 *
 *   mainline  Linux 6.x. The default.
 *
 *   sgx1      Linux 5.11 to 5.19: the SGX2 ioctls are ENOTTY, a fault where there is no page is
 *             SIGBUS and adds none, AEXNOTIFY is no attribute that the driver permits.
 *
 *   static    Page permissions are frozen by EINIT, a policy that was once proposed for the kernel.
 *             Before EINIT: as mainline. After it, mmap and mprotect are EACCES unless every page
 *             of the range was added before, and the protection asked for is exactly the page's
 *             own: SECINFO's R, W and X of a regular page, RW of a TCS. PROT_NONE is no exception,
 *             and a hole has no permission, so a range with one is refused. A mapping that was made
 *             over a hole before EINIT stays, but a fault in it is SIGBUS and adds no page. munmap
 *             and the SGX2 ioctls are as mainline: they cannot grant anything.
 *
 *   wxorx     mainline under a security module that denies mmap and mprotect of the device with W
 *             and X together: EACCES, before the driver is asked.
 *
 *   noexec    mainline with the node on a file system mounted noexec: mmap with X is EPERM, and
 *             mprotect that adds X is EACCES.
 *
 * APERTURE_EPC_SIZE limits the EPC: a number of bytes, with K, M or G behind it if wanted; what is
 * less than a page does not count. Each enclave has one of that size to itself. When it is full,
 * pages are evicted: reclaim.h. Only where nothing is left to evict do ioctls give ENOMEM and
 * faults SIGBUS, as on Linux. An EPC that does not hold at once what one instruction needs - TCS,
 * SSA frame, code and operands: eight pages or so - lets its thread fault for ever, as there.
 * Without the setting the EPC is as large as memory.
 */
#ifndef MODEL_DRIVER_PROFILE_H
#define MODEL_DRIVER_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

enum sgx2_profile {
    PROFILE_MAINLINE,
    PROFILE_SGX1,
    PROFILE_STATIC,
    PROFILE_WXORX,
    PROFILE_NOEXEC,
};

/* What the settings say. False, with a message on standard error, if one of them is nonsense. */
bool profile_choose(enum sgx2_profile *ret_profile, uint64_t *ret_epc_pages);

/* The size of the EPC in bytes as CPUID tells it: the setting if it makes sense, else `otherwise`.
 */
uint64_t profile_epc_size(uint64_t otherwise);

/* Are there SGX2 ioctls? */
static inline bool profile_has_sgx2(enum sgx2_profile profile)
{
    return profile != PROFILE_SGX1;
}

/* Does a page fault add the page that is missing? */
static inline bool profile_adds_pages(enum sgx2_profile profile)
{
    return profile != PROFILE_SGX1 && profile != PROFILE_STATIC;
}

#endif
