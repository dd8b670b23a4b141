/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edl.h - what the trusted code that ap-edl generates builds on (X_t.c includes it, authors need
 * not)
 *
 * Rules of the generated code, which docs/edl.md tells authors:
 *   - of the host's memory it looks only at what it has checked to lie outside, and at each byte
 * once;
 *   - it works on private copies: the marshalling structure first, then what its pointers lead to;
 *   - outputs go back only after the function has run, to where and as far as the checked input
 * said;
 *   - a null pointer stays null; memory of no bytes arrives as a null pointer;
 *   - a failed call leaves no trace outside and leaks nothing inside.
 *
 * The runtime provides the five functions below and those of sgx_edger8r.h; its libc malloc(),
 * free() and a thread's own errno. It reads from g_ecall_table and g_dyn_entry_table:
 *
 *   struct {
 *       size_t nr_ecall;
 *       struct { void *ecall_addr; uint8_t is_priv; uint8_t is_switchless; } ecall_table[nr_ecall];
 *   } g_ecall_table;
 *   struct { size_t nr_ocall; uint8_t entry_table[nr_ocall][nr_ecall]; } g_dyn_entry_table;
 *
 * where ecall_addr is a sgx_status_t (*)(void *pms), and entry_table[o][e] is 1 if the ecall e may
 * come in while the ocall o is out. Without ocalls there is no entry_table.
 */
#ifndef APERTURE_EDL_H
#define APERTURE_EDL_H

#include <stdint.h>
#include <stdlib.h>

#include "sgx_edger8r.h"
#include "sgx_lfence.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ provided by the runtime */

/*
 * sgx_is_within_enclave()  - does memory lie wholly inside?
 * sgx_is_outside_enclave() - does it lie wholly outside?
 * @addr: first byte
 * @size: bytes; for 0 the address alone is judged
 *
 * 1 or 0. Both are 0 for a range that straddles the enclave's border or wraps around the address
 * space. NULL is outside.
 */
int sgx_is_within_enclave(const void *addr, size_t size);
int sgx_is_outside_enclave(const void *addr, size_t size);

/*
 * ap_copy_in() - copy from untrusted memory
 * @to:   inside
 * @from: outside: the caller has checked that, and has a barrier behind the check
 * @size: bytes, may be 0
 *
 * Reads each byte once, in whole quadwords where the range has them, so that what is read does not
 * depend on what else shares a quadword with it.
 */
void ap_copy_in(void *to, const void *from, size_t size);

/*
 * ap_copy_out()  - copy to untrusted memory
 * ap_clear_out() - zero untrusted memory
 * @to:   outside: the caller has checked that, and has a barrier behind the check
 * @from: inside
 * @size: bytes, may be 0
 *
 * Where address and size are multiples of 8 it writes aligned quadwords only. What is left of a
 * quadword at either end is written so that no stale data of the processor's buffers can be had by
 * whoever maps a device there (VERW before, MFENCE and LFENCE behind).
 */
void ap_copy_out(void *to, const void *from, size_t size);
void ap_clear_out(void *to, size_t size);

/* ------------------------------------------------------------------ arithmetic */

/*
 * The product of two integers of any type, as a size_t. True if it is negative or does not fit; the
 * result is not to be used then. Adding 0 makes integers of enums.
 */
#define AP_EDL_PRODUCT(a, b, ret) __builtin_mul_overflow((a) + 0, (b) + 0, ret)

/* What stands between the fields of a structure that is passed by value stays inside. */
#if defined(__has_builtin)
#if __has_builtin(__builtin_clear_padding)
#define AP_EDL_CLEAR_PADDING(object) __builtin_clear_padding(object)
#endif
#endif
#ifndef AP_EDL_CLEAR_PADDING
#define AP_EDL_CLEAR_PADDING(object) ((void)(object))
#endif

/* Everything in an ocall's memory begins at a multiple of this, as malloc()'s does. */
#define AP_EDL_ALIGN ((size_t)16)

/* The largest errno that a host may report. */
#define AP_EDL_ERRNO_MAX 4095

/*
 * ap_edl_place() - set memory of an ocall aside
 * @total:     bytes set aside so far; grows
 * @size:      bytes wanted; of 0 nothing is set aside
 * @ret_place: where they begin
 *
 * Nonzero if the sum does not fit; then total and ret_place are not to be used.
 */
static inline int ap_edl_place(size_t *total, size_t size, size_t *ret_place)
{
    size_t end;

    *ret_place = *total;
    if (__builtin_add_overflow(size, AP_EDL_ALIGN - 1, &end))
        return 1;
    return __builtin_add_overflow(*total, end & ~(AP_EDL_ALIGN - 1), total);
}

/* Some place in an ocall's memory. */
static inline void *ap_edl_at(void *frame, size_t place)
{
    return (char *)frame + place;
}

/* ------------------------------------------------------------------ ecalls: what comes in */

/* Null, or wholly outside. */
static inline int ap_edl_is_outside(const void *host, size_t size)
{
    return host == NULL || sgx_is_outside_enclave(host, size);
}

/*
 * ap_edl_bring() - a private copy of the host's memory
 * ap_edl_make()  - zeroed private memory in place of the host's
 * @host: checked to lie outside
 * @ret:  NULL if host is NULL or size is 0; else to be released with free()
 *
 * SGX_SUCCESS or SGX_ERROR_OUT_OF_MEMORY, then *ret is NULL.
 */
static inline sgx_status_t ap_edl_bring(const void *host, size_t size, void **ret)
{
    *ret = NULL;
    if (host == NULL || size == 0)
        return SGX_SUCCESS;
    *ret = malloc(size);
    if (*ret == NULL)
        return SGX_ERROR_OUT_OF_MEMORY;
    ap_copy_in(*ret, host, size);
    return SGX_SUCCESS;
}

static inline sgx_status_t ap_edl_make(const void *host, size_t size, void **ret)
{
    *ret = NULL;
    if (host == NULL || size == 0)
        return SGX_SUCCESS;
    *ret = malloc(size);
    if (*ret == NULL)
        return SGX_ERROR_OUT_OF_MEMORY;
    __builtin_memset(*ret, 0, size);
    return SGX_SUCCESS;
}

/* Bytes of a string and its terminator, which is among the first `size` bytes. */
static inline size_t ap_edl_string_size(const char *text, size_t size)
{
    size_t i = 0;

    while (i + 1 < size && text[i] != '\0')
        i++;
    return i + 1;
}

static inline size_t ap_edl_wstring_size(const wchar_t *text, size_t size)
{
    size_t i = 0;

    while ((i + 2) * sizeof(wchar_t) <= size && text[i] != L'\0')
        i++;
    return (i + 1) * sizeof(wchar_t);
}

/*
 * ap_edl_end_string() - make sure that a private copy is a string
 * @text: may be NULL
 * @size: bytes, with the terminator
 *
 * The last character becomes the terminator, whatever it was. SGX_ERROR_UNEXPECTED if there is one
 * before: the string is not as long as the host said.
 */
static inline sgx_status_t ap_edl_end_string(void *text, size_t size)
{
    char *s = (char *)text;

    if (s == NULL)
        return SGX_SUCCESS;
    s[size - 1] = '\0';
    return ap_edl_string_size(s, size) == size ? SGX_SUCCESS : SGX_ERROR_UNEXPECTED;
}

static inline sgx_status_t ap_edl_end_wstring(void *text, size_t size)
{
    wchar_t *s = (wchar_t *)text;

    if (s == NULL)
        return SGX_SUCCESS;
    s[size / sizeof(wchar_t) - 1] = L'\0';
    return ap_edl_wstring_size(s, size) == size ? SGX_SUCCESS : SGX_ERROR_UNEXPECTED;
}

/* ------------------------------------------------------------------ structures with pointers */

/* What one pointer of one structure leads to: as it was when the call began, so it stays known. */
struct ap_edl_inner {
    void *host;    /* outside; in an ecall what the host's structure says */
    void *trusted; /* inside; in an ecall a copy that the bridge owns */
    size_t size;   /* bytes */
    size_t place;  /* of an ocall: in its memory */
};

/*
 * ap_edl_inner_new() - one for each pointer of each structure
 * @ret: to be released with free(); NULL if there are none
 */
static inline sgx_status_t ap_edl_inner_new(size_t structures, size_t pointers,
                                            struct ap_edl_inner **ret)
{
    size_t size;

    *ret = NULL;
    if (__builtin_mul_overflow(structures, pointers * sizeof(**ret), &size))
        return SGX_ERROR_INVALID_PARAMETER;
    if (size == 0)
        return SGX_SUCCESS;
    *ret = (struct ap_edl_inner *)malloc(size);
    if (*ret == NULL)
        return SGX_ERROR_OUT_OF_MEMORY;
    __builtin_memset(*ret, 0, size);
    return SGX_SUCCESS;
}

/*
 * ap_edl_inner_enter() - an ecall's: check and copy
 * @host, @size: from the private copy of the structure
 *
 * SGX_SUCCESS, SGX_ERROR_INVALID_PARAMETER: not wholly outside, or SGX_ERROR_OUT_OF_MEMORY.
 */
static inline sgx_status_t ap_edl_inner_enter(struct ap_edl_inner *inner, void *host, size_t size)
{
    if (!ap_edl_is_outside(host, size))
        return SGX_ERROR_INVALID_PARAMETER;
    sgx_lfence();
    inner->host = host;
    inner->size = size;
    return ap_edl_bring(host, size, &inner->trusted);
}

/* Back to where it came from, as much as came. */
static inline void ap_edl_inner_leave(const struct ap_edl_inner *inner)
{
    if (inner->trusted != NULL)
        ap_copy_out(inner->host, inner->trusted, inner->size);
}

/* The copies of an ecall, and the list itself. */
static inline void ap_edl_inner_free(struct ap_edl_inner *inner, size_t count)
{
    size_t i;

    for (i = 0; inner != NULL && i < count; i++)
        free(inner[i].trusted);
    free(inner);
}

/*
 * ap_edl_inner_measure() - an ocall's: check, and set memory aside
 *
 * SGX_SUCCESS, or SGX_ERROR_INVALID_PARAMETER: not wholly inside, or too much.
 */
static inline sgx_status_t ap_edl_inner_measure(struct ap_edl_inner *inner, void *trusted,
                                                size_t size, size_t *total)
{
    if (trusted != NULL && !sgx_is_within_enclave(trusted, size))
        return SGX_ERROR_INVALID_PARAMETER;
    if (ap_edl_place(total, trusted != NULL ? size : 0, &inner->place))
        return SGX_ERROR_INVALID_PARAMETER;
    inner->trusted = trusted;
    inner->size = size;
    return SGX_SUCCESS;
}

/* Out to its place in the ocall's memory. */
static inline void ap_edl_inner_send(struct ap_edl_inner *inner, void *frame)
{
    if (inner->trusted == NULL || inner->size == 0)
        return;
    inner->host = ap_edl_at(frame, inner->place);
    ap_copy_out(inner->host, inner->trusted, inner->size);
}

/* In again, to where it was and as much as it was. */
static inline void ap_edl_inner_receive(const struct ap_edl_inner *inner, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (inner[i].host != NULL)
            ap_copy_in(inner[i].trusted, inner[i].host, inner[i].size);
    }
}

/* ------------------------------------------------------------------ ocalls */

/* Null, or wholly inside. */
static inline int ap_edl_is_within(const void *trusted, size_t size)
{
    return trusted == NULL || sgx_is_within_enclave(trusted, size);
}

/*
 * ap_edl_check_frame() - is an ocall's memory fit for use?
 *
 * SGX_SUCCESS, SGX_ERROR_UNEXPECTED: there is none, or SGX_ERROR_HOST: it is not wholly outside, or
 * not aligned.
 */
static inline sgx_status_t ap_edl_check_frame(const void *frame, size_t size)
{
    if (frame == NULL)
        return SGX_ERROR_UNEXPECTED;
    if (!sgx_is_outside_enclave(frame, size) || (uintptr_t)frame % AP_EDL_ALIGN != 0)
        return SGX_ERROR_HOST;
    sgx_lfence();
    return SGX_SUCCESS;
}

/*
 * ap_edl_check_result() - a pointer that the host returned
 * @size: bytes that it leads to at least
 *
 * SGX_SUCCESS: it is null or leads outside. Else SGX_ERROR_HOST.
 */
static inline sgx_status_t ap_edl_check_result(const void *host, size_t size)
{
    if (!ap_edl_is_outside(host, size))
        return SGX_ERROR_HOST;
    sgx_lfence();
    return SGX_SUCCESS;
}

#ifdef __cplusplus
}
#endif
#endif
