/* SPDX-License-Identifier: Apache-2.0 */
/* handlers.c - the author's exception handlers; see sgx_trts_exception.h */
#include <stddef.h>
#include <string.h>

#include "aperture/trts.h"
#include "exception.h"
#include "layout.h"
#include "state.h"
#include "thread.h"

#define HANDLER_MAX 32

struct handler {
    sgx_exception_handler_t call; /* NULL: not in use */
    struct handler *next;
};

static struct lock lock; /* guards both */
static struct handler pool[HANDLER_MAX];
static struct handler *first;

static struct handler *unused(void)
{
    for (size_t i = 0; i < HANDLER_MAX; i++)
        if (!pool[i].call)
            return &pool[i];
    return NULL;
}

static void insert(struct handler *h, bool at_front)
{
    struct handler **at = &first;

    while (!at_front && *at)
        at = &(*at)->next;
    h->next = *at;
    *at = h;
}

void *sgx_register_exception_handler(int is_first_handler, sgx_exception_handler_t handler)
{
    struct handler *h;

    if (!handler || !ap_is_inside((const void *)(uintptr_t)handler, 1))
        return NULL;
    lock_take(&lock);
    h = unused();
    if (h) {
        h->call = handler;
        insert(h, is_first_handler != 0);
    }
    lock_drop(&lock);
    return h;
}

int sgx_unregister_exception_handler(void *handle)
{
    struct handler **at = &first;
    int found = 0;

    lock_take(&lock);
    while (*at && (void *)*at != handle)
        at = &(*at)->next;
    if (*at) {
        (*at)->call = NULL;
        *at = (*at)->next;
        found = 1;
    }
    lock_drop(&lock);
    return found;
}

/* The list as it is now: handlers run without the lock, so they may fault, ocall or longjmp. */
static size_t copy_handlers(sgx_exception_handler_t ret_calls[static HANDLER_MAX])
{
    size_t count = 0;

    lock_take(&lock);
    for (const struct handler *h = first; h; h = h->next)
        ret_calls[count++] = h->call;
    lock_drop(&lock);
    return count;
}

static bool is_handled(sgx_exception_info_t *info)
{
    sgx_exception_handler_t calls[HANDLER_MAX];
    size_t count = copy_handlers(calls);

    for (size_t i = 0; i < count; i++)
        if (calls[i](info) == EXCEPTION_CONTINUE_EXECUTION)
            return true;
    return false;
}

/* Going on there is possible: inside, and on this thread's own stack. */
static bool context_ok(const sgx_cpu_context_t *context)
{
    struct stack_bounds stack = thread_stack(thread_self());

    return ap_is_inside((const void *)context->rip, 1) && context->rsp <= stack.high &&
           context->rsp >= stack.low + RESUME_ROOM_BYTES;
}

/* CF PF AF ZF SF DF OF and AC. Not TF, NT, IOPL or anything that is not the program's. */
#define KEPT_FLAGS UINT64_C(0x40cd5)

/* What an edited image could make XRSTOR fault with: unknown components, reserved bytes. */
static void sanitise(sgx_exception_info_t *info)
{
    uint64_t xstate_bv;
    uint32_t mxcsr;

    info->cpu_context.rflags = (info->cpu_context.rflags & KEPT_FLAGS) | 2;

    memcpy(&mxcsr, info->xsave_area + 24, sizeof mxcsr);
    mxcsr &= 0xffff;
    memcpy(info->xsave_area + 24, &mxcsr, sizeof mxcsr);

    memcpy(&xstate_bv, info->xsave_area + SGX_XSAVE_LEGACY_SIZE, sizeof xstate_bv);
    xstate_bv &= ap_layout.attributes.xfrm;
    memset(info->xsave_area + SGX_XSAVE_LEGACY_SIZE, 0, SGX_XSAVE_HEADER_SIZE);
    memcpy(info->xsave_area + SGX_XSAVE_LEGACY_SIZE, &xstate_bv, sizeof xstate_bv);
}

void trts_exception(sgx_exception_info_t *info)
{
    if (!is_handled(info) || !context_ok(&info->cpu_context))
        crash();
    sanitise(info);
}
