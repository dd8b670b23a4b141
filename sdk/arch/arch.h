/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arch.h - what every hardware layout in this folder is built with
 *
 * The structures here follow the "Intel SGX" volume of the Software Developer's Manual. Each field
 * carries its offset in a comment and each named field an assertion, so that a slip is a compile
 * error. The folder depends on nothing but the compiler's own headers: the trusted runtime, the
 * untrusted runtime, the model and the tools all share it.
 */
#ifndef ARCH_ARCH_H
#define ARCH_ARCH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define SGX_STATIC_ASSERT(cond, text) static_assert(cond, text)
#else
#define SGX_STATIC_ASSERT(cond, text) _Static_assert(cond, text)
#endif

/* SGX_AT(sgx_tcs, ossa, 16): the field stands where the manual puts it. */
#define SGX_AT(type, field, off)                                                                   \
    SGX_STATIC_ASSERT(offsetof(struct type, field) == (off), #type "." #field " is misplaced")

/* SGX_SIZE(sgx_tcs, 4096): the structure is as large as the manual says. */
#define SGX_SIZE(type, size)                                                                       \
    SGX_STATIC_ASSERT(sizeof(struct type) == (size), #type " has the wrong size")

#define SGX_PAGE_SIZE  4096u
#define SGX_PAGE_SHIFT 12
#define SGX_PAGE_MASK  (~(uint64_t)4095)

#endif
