/* SPDX-License-Identifier: Apache-2.0 */
/* harness.c - the runtime functions that generated code needs, as simple as they can be */
#include "harness.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define NESTING_MAX 16

struct harness harness;
static const void *ocall_table_in_use;

/* The tables, as the runtime knows them. */
extern const struct {
    size_t nr_ecall;
    struct {
        void *ecall_addr;
        uint8_t is_priv;
        uint8_t is_switchless;
    } ecall_table[];
} g_ecall_table;
extern const struct {
    size_t nr_ocall;
    uint8_t entry_table[];
} g_dyn_entry_table;

/* ------------------------------------------------------------------ who owns what */

static char *arena;
static size_t host_used, ocalloc_top;

/* The host's stretches of the stack: [low, high). */
static struct {
    uintptr_t low, high;
} host_stack[NESTING_MAX];
static size_t host_stacks;
static uintptr_t host_frame_top; /* where the running host function's stretch begins, from above */

static void start(void)
{
    pthread_attr_t attr;
    void *stack;
    size_t size;

    if (arena)
        return;
    arena = mmap(NULL, 2 * HOST_PART + ENCLAVE_PART, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (arena == MAP_FAILED || pthread_getattr_np(pthread_self(), &attr) != 0)
        abort();
    pthread_attr_getstack(&attr, &stack, &size);
    pthread_attr_destroy(&attr);
    host_frame_top = (uintptr_t)stack + size;
}

void harness_open(void)
{
    if (mprotect(arena, 2 * HOST_PART + ENCLAVE_PART, PROT_READ | PROT_WRITE) < 0)
        abort();
}

void harness_close(void)
{
    if (mprotect(arena, 2 * HOST_PART + ENCLAVE_PART, PROT_NONE) < 0)
        abort();
}

void *host_alloc(size_t size)
{
    void *memory;

    start();
    memory = arena + host_used;
    host_used += (size + 15) & ~(size_t)15;
    if (host_used > HOST_PART / 2)
        abort();
    return memory;
}

void *host_just_below(size_t size)
{
    start();
    return arena + HOST_PART - size;
}

void *host_just_above(void)
{
    start();
    return arena + HOST_PART + ENCLAVE_PART;
}

void *enclave_address(void)
{
    start();
    return arena + HOST_PART + 256;
}

static bool is_part(uintptr_t at, size_t size, uintptr_t low, uintptr_t high)
{
    return at >= low && at <= high && size <= high - at;
}

int sgx_is_outside_enclave(const void *addr, size_t size)
{
    uintptr_t at = (uintptr_t)addr, base, end;

    start();
    base = (uintptr_t)arena;
    if (__builtin_add_overflow(at, size, &end))
        return 0;
    if (!addr)
        return 1;
    if (is_part(at, size, base, base + HOST_PART) ||
        is_part(at, size, base + HOST_PART + ENCLAVE_PART, base + 2 * HOST_PART + ENCLAVE_PART))
        return 1;
    for (size_t i = 0; i < host_stacks; i++) {
        if (is_part(at, size, host_stack[i].low, host_stack[i].high))
            return 1;
    }
    return 0;
}

int sgx_is_within_enclave(const void *addr, size_t size)
{
    uintptr_t at = (uintptr_t)addr, base = (uintptr_t)arena, end;

    if (!addr || __builtin_add_overflow(at, size, &end))
        return 0;
    if (at < base + HOST_PART && end > base)
        return 0;
    if (at < base + 2 * HOST_PART + ENCLAVE_PART && end > base + HOST_PART + ENCLAVE_PART)
        return 0;
    for (size_t i = 0; i < host_stacks; i++) {
        if (at < host_stack[i].high && end > host_stack[i].low)
            return 0;
    }
    return 1;
}

/* ------------------------------------------------------------------ copies */

static void note(uintptr_t at, size_t size, bool out)
{
    struct access access = {at, size, out, harness.calls};

    if (!size)
        return;
    if (harness.accesses == ACCESSES_MAX)
        abort();
    harness.access[harness.accesses++] = access;
    if (harness.meddle)
        harness.meddle(harness.accesses, &access);
}

/* A copy that has a trusted and an untrusted end, and nothing else. */
static void demand(bool fits)
{
    if (fits)
        return;
    fputs("harness: the generated code copies what it has not checked\n", stderr);
    abort();
}

void ap_copy_in(void *to, const void *from, size_t size)
{
    demand(size == 0 || (from && sgx_is_outside_enclave(from, size)));
    demand(size == 0 || sgx_is_within_enclave(to, size));
    harness_open();
    memcpy(to, from, size);
    note((uintptr_t)from, size, false);
    harness_close();
}

void ap_copy_out(void *to, const void *from, size_t size)
{
    demand(size == 0 || (to && sgx_is_outside_enclave(to, size)));
    demand(size == 0 || sgx_is_within_enclave(from, size));
    harness_open();
    memcpy(to, from, size);
    note((uintptr_t)to, size, true);
    harness_close();
}

void ap_clear_out(void *to, size_t size)
{
    demand(size == 0 || (to && sgx_is_outside_enclave(to, size)));
    harness_open();
    memset(to, 0, size);
    note((uintptr_t)to, size, true);
    harness_close();
}

bool reads_are_single(void)
{
    for (size_t i = 0; i < harness.accesses; i++) {
        for (size_t j = 0; j < i; j++) {
            const struct access *a = &harness.access[i], *b = &harness.access[j];

            if (!a->out && !b->out && a->call == b->call && a->at < b->at + b->size &&
                b->at < a->at + a->size)
                return false;
        }
    }
    return true;
}

void forget_accesses(void)
{
    harness.accesses = 0;
}

/* ------------------------------------------------------------------ trusted memory */

void *harness_malloc(size_t size)
{
    void *memory;

    if (harness.fail_malloc && --harness.fail_malloc == 0)
        return NULL;
    if (size > (size_t)1 << 30)
        return NULL;
    memory = malloc(size);
    if (memory) {
        memset(memory, 0xa5, size); /* so that what is not initialised shows */
        harness.live_mallocs++;
    }
    return memory;
}

void harness_free(void *memory)
{
    if (memory)
        harness.live_mallocs--;
    free(memory);
}

/* ------------------------------------------------------------------ calls */

static void enter_host_frame(uintptr_t low)
{
    if (host_stacks == NESTING_MAX)
        abort();
    host_stack[host_stacks].low = low;
    host_stack[host_stacks].high = host_frame_top;
    host_stacks++;
}

/* May this ecall come in now? */
static sgx_status_t admit(size_t index)
{
    size_t row = harness.outstanding - 1;

    if (index >= g_ecall_table.nr_ecall)
        return SGX_ERROR_INVALID_FUNCTION;
    if (!harness.outstanding)
        return g_ecall_table.ecall_table[index].is_priv ? SGX_ERROR_ECALL_NOT_ALLOWED : SGX_SUCCESS;
    return g_dyn_entry_table.entry_table[row * g_ecall_table.nr_ecall + index]
               ? SGX_SUCCESS
               : SGX_ERROR_ECALL_NOT_ALLOWED;
}

__attribute__((noinline)) sgx_status_t sgx_ecall(const sgx_enclave_id_t eid, const int index,
                                                 const void *ocall_table, void *ms)
{
    sgx_status_t (*bridge)(void *);
    sgx_status_t status = admit((size_t)index);

    (void)eid;
    start();
    if (status != SGX_SUCCESS)
        return status;
    harness.calls += host_stacks == 0;
    ocall_table_in_use = ocall_table;
    if (harness.change_ms)
        ms = harness.change_ms(ms);
    bridge = (sgx_status_t(*)(void *))(uintptr_t)g_ecall_table.ecall_table[index].ecall_addr;
    enter_host_frame((uintptr_t)__builtin_frame_address(0));
    harness_close();
    status = bridge(ms);
    harness_open();
    host_stacks--;
    return status;
}

sgx_status_t sgx_ecall_switchless(const sgx_enclave_id_t eid, const int index,
                                  const void *ocall_table, void *ms)
{
    return sgx_ecall(eid, index, ocall_table, ms);
}

__attribute__((noinline)) sgx_status_t sgx_ocall(const unsigned int index, void *ms)
{
    const struct {
        size_t nr_ocall;
        void *table[];
    } *table = ocall_table_in_use;
    sgx_status_t (*bridge)(void *);
    sgx_status_t status = SGX_SUCCESS;
    size_t before = harness.outstanding;
    uintptr_t top = host_frame_top;

    if (index >= table->nr_ocall)
        return SGX_ERROR_INVALID_FUNCTION;
    harness_open();
    harness.outstanding = index + 1;
    host_frame_top = (uintptr_t)__builtin_frame_address(0);
    bridge = (sgx_status_t(*)(void *))(uintptr_t)table->table[index];
    if (!harness.skip_ocalls)
        status = bridge(ms);
    host_frame_top = top;
    harness.outstanding = before;
    harness_close();
    return harness.ocall_status != SGX_SUCCESS ? harness.ocall_status : status;
}

sgx_status_t sgx_ocall_switchless(const unsigned int index, void *ms)
{
    return sgx_ocall(index, ms);
}

/* The lower part's second half, filled with what an earlier call may have left. */
void *sgx_ocalloc(size_t size)
{
    char *frame = arena + HOST_PART / 2 + ocalloc_top;
    size_t rounded = (size + 15) & ~(size_t)15;

    if (harness.ocalloc) {
        void *given = harness.ocalloc(size);

        harness.ocalloc_depth += given != NULL;
        return given;
    }
    if (size > HOST_PART / 2 - ocalloc_top || rounded > HOST_PART / 2 - ocalloc_top)
        return NULL;
    ocalloc_top += rounded;
    harness.ocalloc_depth++;
    harness_open();
    memset(frame, 0xe1, rounded);
    harness_close();
    return frame;
}

void *sgx_ocalloc_switchless(size_t size)
{
    return sgx_ocalloc(size);
}

/* One call after the other here: what is given back is everything. */
void sgx_ocfree(void)
{
    if (harness.ocalloc_depth == 0)
        abort();
    if (--harness.ocalloc_depth == 0)
        ocalloc_top = 0;
}

void sgx_ocfree_switchless(void)
{
    sgx_ocfree();
}
