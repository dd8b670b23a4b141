/* SPDX-License-Identifier: Apache-2.0 */
#include "thread.h"

#include <string.h>

#include "layout.h"
#include "random.h"

/*
 * Gives the canary that the stack protector of every later function compares with, so this one
 * must not have a canary of its own.
 */
__attribute__((no_stack_protector)) bool thread_first_entry(struct thread_data *td)
{
    uint64_t guard;

    if (!random_u64(&guard))
        return false;
    /* The lowest byte is zero, so that a string that runs over cannot rewrite the canary. */
    td->stack_guard = guard & ~UINT64_C(0xff);
    td->self = td;
    return true;
}

void thread_setup_tls(struct thread_data *td)
{
    uint64_t align = ap_layout.tls_align ? ap_layout.tls_align : 1;
    /* Variant II: the block ends where FS points, but for what its alignment takes. */
    uint8_t *block = (uint8_t *)td - ((ap_layout.tls_size + align - 1) & ~(align - 1));

    memcpy(block, (const void *)(enclave_base() + ap_layout.tls_template),
           ap_layout.tls_template_size);
    memset(block + ap_layout.tls_template_size, 0,
           ap_layout.tls_size - ap_layout.tls_template_size);
    td->tls_ready = 1;
}

struct stack_bounds thread_stack(const struct thread_data *td)
{
    const struct ap_slots *s = &ap_layout.slots;
    uintptr_t tcs = (uintptr_t)td - s->td_from_tcs;
    uintptr_t high = tcs - s->tcs_from_stack;

    return (struct stack_bounds){.low = high - s->stack_size, .high = high};
}
