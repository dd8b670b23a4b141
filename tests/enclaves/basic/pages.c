/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages.c - ecalls about memory and code that come while the enclave runs
 */
#include <string.h>

#include "aperture/code.h"
#include "aperture/mm.h"
#include "basic.h"

#define PAGE 4096u

/* The host's name, terminated by us. */
#define TERMINATE(name) ((name)[sizeof(name) - 1] = '\0')

sgx_status_t basic_region(uint64_t at)
{
    struct ap_region_info info;
    struct basic_region ms;

    BASIC_TAKE(ms, at);
    TERMINATE(ms.region);
    ms.status = ap_mm_region(ms.region, &info);
    if (ms.status == SGX_SUCCESS) {
        ms.base = (uintptr_t)info.base;
        ms.size = info.size;
        ms.initial_size = info.initial_size;
        ms.policy = info.policy;
        ms.max_perm = info.max_perm;
    }
    BASIC_GIVE(at, ms);
}

/* Every byte is zero, and then each page takes a value. */
static bool is_zero_and_writable(uint64_t *words, uint64_t pages)
{
    uint64_t any = 0;

    for (uint64_t i = 0; i < pages * PAGE / 8; i++)
        any |= words[i];
    for (uint64_t p = 0; p < pages; p++) {
        volatile uint64_t *word = words + p * PAGE / 8;

        *word = p + 1;
        any |= *word ^ (p + 1);
    }
    return any == 0;
}

sgx_status_t basic_commit(uint64_t at)
{
    struct ap_region_info info;
    struct basic_commit ms;
    uint8_t *address;

    BASIC_TAKE(ms, at);
    TERMINATE(ms.region);
    ms.status = ap_mm_region(ms.region, &info);
    ms.zero = 0;
    if (ms.status == SGX_SUCCESS) {
        address = (uint8_t *)info.base + info.initial_size + ms.first * PAGE + ms.skew;
        ms.status = ap_mm_commit(address, ms.pages * PAGE);
        if (ms.status == SGX_SUCCESS)
            ms.zero = is_zero_and_writable((uint64_t *)(void *)address, ms.pages);
    }
    BASIC_GIVE(at, ms);
}

/* Room for the code of one page more than is published, so that it can be skewed. */
#ifndef PUBLISH_MAX /* pages of code in the buffer, hence in one publication */
#define PUBLISH_MAX 64u
#endif
static uint8_t code[(PUBLISH_MAX + 1) * PAGE] __attribute__((aligned(4096)));

/* mov eax, value; ret */
static void emit(uint8_t *to, uint32_t value)
{
    to[0] = 0xb8;
    memcpy(to + 1, &value, sizeof value);
    to[5] = 0xc3;
}

/* Large publications repeat the first pages' code: values count modulo PUBLISH_MAX. */
static uint64_t call_all(const struct basic_publish *ms)
{
    uint64_t correct = 0;

    for (uint64_t p = 0; p < ms->pages; p++) {
        uint32_t (*function)(void) = (uint32_t(*)(void))(ms->where + p * PAGE);

        correct += function() == (uint32_t)(ms->value + p % PUBLISH_MAX);
    }
    return correct;
}

static sgx_status_t publish_all(struct ap_code_region *region, const struct basic_publish *ms)
{
    sgx_status_t status = SGX_SUCCESS;

    for (uint64_t p = 0; p < PUBLISH_MAX; p++)
        emit(code + ms->skew + p * PAGE, (uint32_t)(ms->value + p));
    for (uint64_t done = 0; status == SGX_SUCCESS && done < ms->pages; done += PUBLISH_MAX) {
        uint64_t pages = ms->pages - done < PUBLISH_MAX ? ms->pages - done : PUBLISH_MAX;

        status = ap_code_publish(region, (void *)(ms->where + done * PAGE), code + ms->skew,
                                 pages * PAGE);
    }
    return status;
}

sgx_status_t basic_publish(uint64_t at)
{
    struct ap_code_region *region;
    struct basic_publish ms;
    void *where = NULL;

    BASIC_TAKE(ms, at);
    TERMINATE(ms.region);
    if (ms.skew >= PAGE || ms.pages > (1u << 20))
        return SGX_ERROR_INVALID_PARAMETER;
    region = ap_code_region(ms.region);
    ms.reserve = ap_code_reserve(region, ms.pages * PAGE, &where);
    ms.where = (uintptr_t)where;
    ms.correct = 0;
    ms.status = ms.reserve;
    if (ms.reserve == SGX_SUCCESS)
        ms.status = publish_all(region, &ms);
    if (ms.status == SGX_SUCCESS) {
        ms.correct = call_all(&ms);
        ms.again = ap_code_publish(region, where, code, PAGE);
    }
    BASIC_GIVE(at, ms);
}

sgx_status_t basic_publish_bad(uint64_t at)
{
    struct ap_region_info info = {0};
    struct ap_code_region *region;
    struct basic_publish_bad ms;
    void *where = NULL;
    uint8_t *last;

    BASIC_TAKE(ms, at);
    TERMINATE(ms.region);
    region = ap_code_region(ms.region);
    if (ap_mm_region(ms.region, &info) != SGX_SUCCESS)
        return SGX_ERROR_INVALID_PARAMETER;
    last = (uint8_t *)info.base + info.size - PAGE;
    ms.null_region = ap_code_reserve(NULL, PAGE, &where);
    ms.zero_size = ap_code_reserve(region, 0, &where);
    ms.too_large = ap_code_reserve(region, info.size - info.initial_size + PAGE, &where);
    ms.wraps = ap_code_reserve(region, SIZE_MAX, &where);
    ms.not_reserved = ap_code_publish(region, last, code, PAGE);
    /* Wrong in one thing only: the page is reserved. */
    if (ap_code_reserve(region, 2 * PAGE, &where) != SGX_SUCCESS)
        return SGX_ERROR_INVALID_PARAMETER;
    ms.unaligned = ap_code_publish(region, (uint8_t *)where + 8, code, PAGE);
    ms.outside_code = ap_code_publish(region, where, (const void *)ms.host_code, PAGE);
    BASIC_GIVE(at, ms);
}
