/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "abi/call.h"
#include "arch/leaf.h"
#include "arch/ssa.h"
#include "builtin.h"
#include "enter.h"

/* One ecall in progress. Lives on the stack of the thread that made it. */
struct call {
    struct ap_enclave *enclave;
    const struct ap_ocall_table *ocalls;
    struct slot *slot;  /* shared with the calls that this one is nested in */
    uint8_t *area;      /* for the arguments of ocalls: the slot's, or a nested call's own */
    struct call *outer; /* the thread's next older call, into whatever enclave */

    bool in_ocall;
    bool handling; /* at CSSA 1: the enclave is being told of an exception */
    bool done;
    sgx_status_t status; /* once done */

    struct passage passage; /* the next one, or the last */
    struct sgx_enclave_run run;
    char exception[CRASH_TEXT_SIZE]; /* the last one, in words; "" if there was none */
};

/* The innermost call of this thread. */
static _Thread_local struct call *innermost;

/* ------------------------------------------------------------------ how a call ends */

static void finish(struct call *c, sgx_status_t status)
{
    c->done = true;
    c->status = status;
}

static void __attribute__((format(printf, 2, 3))) crash(struct call *c, const char *format, ...)
{
    char text[CRASH_TEXT_SIZE];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    finish(c, crash_end(&c->enclave->crash, SGX_ERROR_ENCLAVE_CRASHED, text));
}

/* ------------------------------------------------------------------ the next passage */

static void prepare(struct call *c, uint64_t function, uint64_t rdi, uint64_t rsi)
{
    c->passage = (struct passage){
        .rdi = rdi,
        .rsi = rsi,
        .rdx = (uintptr_t)c->area,
        .r8 = POOL_AREA_SIZE,
        .function = function,
    };
}

/* ------------------------------------------------------------------ ocalls */

/* A request that the enclave built in this call's area, or NULL: there is none at that address. */
static struct ap_ocall_pages *request_at(const struct call *c, uint64_t address)
{
    uint64_t offset = address - (uintptr_t)c->area;

    if (offset > POOL_AREA_SIZE - sizeof(struct ap_ocall_pages) || offset % 8)
        return NULL;
    return (struct ap_ocall_pages *)address;
}

/* All 64 bits count: 0xffffffff is an author's index, and not AP_OCALL_TOUCH. */
static sgx_status_t run_ocall(struct call *c, int64_t index, uint64_t ms)
{
    if (index < INT_MIN)
        return SGX_ERROR_INVALID_FUNCTION;
    if (index < 0)
        return builtin_serve(&c->enclave->loaded, (int)index, request_at(c, ms));
    if (!c->ocalls || (size_t)index >= c->ocalls->count || !c->ocalls->fn[index])
        return SGX_ERROR_INVALID_FUNCTION;
    return c->ocalls->fn[index]((void *)ms);
}

/* The enclave may have ended meanwhile, by a nested call or another thread: then it ends here too.
 */
static void after_ocall(struct call *c)
{
    sgx_status_t status, fate;

    c->in_ocall = true;
    status = run_ocall(c, (int64_t)c->passage.exit_rsi, c->passage.exit_rdx);
    c->in_ocall = false;
    fate = crash_fate(&c->enclave->crash);
    if (fate != SGX_SUCCESS)
        finish(c, fate);
    else
        prepare(c, SGX_EENTER, (uint64_t)(int64_t)AP_ENTER_ORET, (uint64_t)status);
}

/* ------------------------------------------------------------------ exits */

static void after_answer(struct call *c)
{
    uint64_t rdi = c->passage.exit_rdi, rsi = c->passage.exit_rsi;

    if (rdi != AP_EXIT_EXCEPTION) {
        crash(c, "%s; told of it, the enclave left with exit code %#llx", c->exception,
              (unsigned long long)rdi);
    } else if (rsi != SGX_SUCCESS) {
        crash(c, "%s; the enclave does not handle it (status %#llx)", c->exception,
              (unsigned long long)rsi);
    } else {
        c->handling = false;
        prepare(c, SGX_ERESUME, 0, 0);
    }
}

/*
 * The runtime inside gave up: it tells that it did, and not why. The exception that this call saw
 * last is the best clue, though it may have been settled.
 */
static void after_giving_up(struct call *c)
{
    if (*c->exception)
        crash(c, "the enclave gave up; the last exception before that: %.300s", c->exception);
    else
        crash(c, "the enclave gave up without an exception: abort(), a failed assertion, or an "
                 "overwritten stack");
}

static void after_return(struct call *c)
{
    sgx_status_t status = (sgx_status_t)c->passage.exit_rsi;

    if (status == SGX_ERROR_ENCLAVE_CRASHED)
        after_giving_up(c);
    else
        finish(c, status);
}

static void after_exit(struct call *c)
{
    if (c->handling)
        after_answer(c);
    else if (c->passage.exit_rdi == AP_EXIT_RETURN)
        after_return(c);
    else if (c->passage.exit_rdi == AP_EXIT_OCALL)
        after_ocall(c);
    else
        crash(c, "the enclave left with exit code %#llx, which means nothing here",
              (unsigned long long)c->passage.exit_rdi);
}

/* ------------------------------------------------------------------ exceptions */

static void describe(struct call *c, char *ret_text, size_t size)
{
    crash_describe(&c->run, c->enclave->loaded.base, c->enclave->loaded.size, ret_text, size);
}

/* Inside the enclave. It looks at what happened on the same TCS, one SSA frame up. */
static void after_exception(struct call *c)
{
    char second[CRASH_TEXT_SIZE / 2];

    if (c->handling) {
        describe(c, second, sizeof second);
        crash(c, "%s, while the enclave was told of another exception: %.160s", second,
              c->exception);
        return;
    }
    describe(c, c->exception, sizeof c->exception);
    c->handling = true;
    prepare(c, SGX_EENTER, 0, 0);
}

/* EENTER itself faulted: the enclave was not entered. */
static void after_entry_fault(struct call *c)
{
    struct crash *to = &c->enclave->crash;
    char text[CRASH_TEXT_SIZE];

    if (c->run.exception_vector == SGX_VECTOR_PF) {
        snprintf(text, sizeof text,
                 "EENTER found no thread slot at %#llx: the EPC was lost, as by a suspend; create "
                 "the enclave anew",
                 (unsigned long long)c->run.tcs);
        finish(c, crash_end(to, SGX_ERROR_ENCLAVE_LOST, text));
    } else if (c->handling) {
        crash(c, "%s; the enclave cannot be told of it: no SSA frame is free", c->exception);
    } else {
        snprintf(text, sizeof text,
                 "EENTER refused the thread slot at %#llx (vector %u): it is busy, in another "
                 "process that shares the enclave for one, or a call never ended",
                 (unsigned long long)c->run.tcs, c->run.exception_vector);
        finish(c, crash_note(to, SGX_ERROR_UNEXPECTED, text));
    }
}

/* ------------------------------------------------------------------ the conversation */

/* The vDSO leaves the exception's fields alone after a clean exit, so they start from zero. */
static int pass(struct call *c)
{
    c->run = (struct sgx_enclave_run){
        .tcs = c->slot->tcs,
        .user_handler = (uintptr_t)enter_note_exit,
        .user_data = (uintptr_t)&c->passage,
    };
    return enter_pass(&c->passage, &c->run, c->enclave->loaded.os->enter_enclave);
}

static void step(struct call *c)
{
    char text[CRASH_TEXT_SIZE];
    int r = pass(c);

    if (r == 0 && c->run.function == SGX_EEXIT)
        after_exit(c);
    else if (r == 0 && c->run.function == SGX_ERESUME)
        after_exception(c);
    else if (r == 0 && c->run.function == SGX_EENTER)
        after_entry_fault(c);
    else {
        snprintf(text, sizeof text, "the vDSO refused to enter: result %d, function %u", r,
                 c->run.function);
        finish(c, crash_note(&c->enclave->crash, SGX_ERROR_UNEXPECTED, text));
    }
}

/* Nested calls go in through the slot that the ocall came out of. */
static struct call *outstanding(const struct ap_enclave *enclave)
{
    struct call *c = innermost;

    while (c && c->enclave != enclave)
        c = c->outer;
    return c && c->in_ocall ? c : NULL;
}

bool call_is_outstanding(const struct ap_enclave *enclave)
{
    return outstanding(enclave) != NULL;
}

static sgx_status_t take_slot(struct call *c)
{
    struct call *outer = outstanding(c->enclave);

    if (!outer) {
        c->slot = pool_get(&c->enclave->pool);
        if (!c->slot)
            return SGX_ERROR_OUT_OF_TCS;
        c->area = c->slot->area;
        return SGX_SUCCESS;
    }
    /* The outer calls' arguments lie in their area still. */
    c->slot = outer->slot;
    c->area = aligned_alloc(SGX_PAGE_SIZE, POOL_AREA_SIZE);
    return c->area ? SGX_SUCCESS : SGX_ERROR_OUT_OF_MEMORY;
}

static void give_slot(struct call *c)
{
    if (c->area == c->slot->area)
        pool_put(&c->enclave->pool, c->slot);
    else
        free(c->area);
}

sgx_status_t call_enclave(struct ap_enclave *enclave, int index,
                          const struct ap_ocall_table *ocalls, void *ms)
{
    struct call c = {.enclave = enclave, .ocalls = ocalls, .outer = innermost};
    sgx_status_t status = crash_fate(&enclave->crash);

    if (status == SGX_SUCCESS)
        status = take_slot(&c);
    if (status != SGX_SUCCESS)
        return status;

    innermost = &c;
    prepare(&c, SGX_EENTER, (uint64_t)(int64_t)index, (uintptr_t)ms);
    while (!c.done)
        step(&c);
    innermost = c.outer;
    give_slot(&c);
    return c.status;
}

sgx_status_t ap_ecall(struct ap_enclave *enclave, int index, const struct ap_ocall_table *ocalls,
                      void *ms)
{
    if (!enclave)
        return SGX_ERROR_INVALID_PARAMETER;
    if (index < 0)
        return SGX_ERROR_INVALID_FUNCTION;
    return call_enclave(enclave, index, ocalls, ms);
}
