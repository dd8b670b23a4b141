/* SPDX-License-Identifier: Apache-2.0 */
#include "crash.h"

#include <stdatomic.h>
#include <stdio.h>

#include "arch/ssa.h"

void crash_init(struct crash *crash)
{
    pthread_mutex_init(&crash->lock, NULL);
    atomic_init(&crash->fate, SGX_SUCCESS);
    atomic_init(&crash->noted, false);
}

void crash_done(struct crash *crash)
{
    pthread_mutex_destroy(&crash->lock);
}

sgx_status_t crash_fate(struct crash *crash)
{
    return (sgx_status_t)atomic_load_explicit(&crash->fate, memory_order_acquire);
}

sgx_status_t crash_end(struct crash *crash, sgx_status_t status, const char *text)
{
    pthread_mutex_lock(&crash->lock);
    if (crash_fate(crash) == SGX_SUCCESS) {
        snprintf(crash->text, sizeof crash->text, "%s", text);
        atomic_store_explicit(&crash->fate, (int)status, memory_order_release);
    }
    pthread_mutex_unlock(&crash->lock);
    return status;
}

sgx_status_t crash_note(struct crash *crash, sgx_status_t status, const char *text)
{
    pthread_mutex_lock(&crash->lock);
    if (!atomic_load_explicit(&crash->noted, memory_order_relaxed)) {
        snprintf(crash->note, sizeof crash->note, "%s", text);
        atomic_store_explicit(&crash->noted, true, memory_order_release);
    }
    pthread_mutex_unlock(&crash->lock);
    return status;
}

const char *crash_text(struct crash *crash)
{
    if (crash_fate(crash) != SGX_SUCCESS)
        return crash->text;
    return atomic_load_explicit(&crash->noted, memory_order_acquire) ? crash->note : "";
}

static const char *vector_words(unsigned vector)
{
    switch (vector) {
    case SGX_VECTOR_DE:
        return "#DE, divide error";
    case SGX_VECTOR_DB:
        return "#DB, debug exception";
    case SGX_VECTOR_BP:
        return "#BP, breakpoint";
    case SGX_VECTOR_BR:
        return "#BR, bound range exceeded";
    case SGX_VECTOR_UD:
        return "#UD, illegal instruction";
    case SGX_VECTOR_GP:
        return "#GP, general protection fault";
    case SGX_VECTOR_PF:
        return "#PF, page fault";
    case SGX_VECTOR_MF:
        return "#MF, x87 floating-point error";
    case SGX_VECTOR_AC:
        return "#AC, alignment check";
    case SGX_VECTOR_XM:
        return "#XM, SIMD floating-point error";
    case SGX_VECTOR_CP:
        return "#CP, control protection fault";
    default:
        return "exception";
    }
}

static const char *access_words(uint32_t code)
{
    if (code & SGX_PFEC_I)
        return "fetching code from";
    return code & SGX_PFEC_W ? "writing" : "reading";
}

static const char *refusal_words(uint32_t code)
{
    if (code & SGX_PFEC_SGX)
        return "refused by the EPCM: the page is not accepted, or its enclave permissions forbid "
               "it";
    if (code & SGX_PFEC_PK)
        return "refused by a protection key";
    if (code & SGX_PFEC_P)
        return "refused by the page table: the host's mapping forbids it";
    return "no page is present there";
}

void crash_describe(const struct sgx_enclave_run *run, uint64_t base, uint64_t size, char *ret_text,
                    size_t text_size)
{
    const char *name = vector_words(run->exception_vector);
    uint64_t address = run->exception_addr;
    uint32_t code = run->exception_error_code;
    char where[48] = "";

    if (run->exception_vector != SGX_VECTOR_PF) {
        snprintf(ret_text, text_size, "%s (vector %u, error code %#x) in the thread slot at %#llx",
                 name, run->exception_vector, code, (unsigned long long)run->tcs);
        return;
    }
    if (address - base < size)
        snprintf(where, sizeof where, " (enclave offset %#llx)",
                 (unsigned long long)(address - base));
    snprintf(ret_text, text_size,
             "%s %s %#llx%s: %s (vector %u, error code %#x) in the thread slot at %#llx", name,
             access_words(code), (unsigned long long)address, where, refusal_words(code),
             run->exception_vector, code, (unsigned long long)run->tcs);
}
