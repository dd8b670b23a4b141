/* SPDX-License-Identifier: Apache-2.0 */
#include "ecall.h"

#include "boundary.h"

/*
 * index if it is below count, else 0, without a branch that could be mispredicted: the borrow of
 * the comparison becomes the mask.
 */
static uint64_t clamp(uint64_t index, uint64_t count)
{
    uint64_t mask;

    __asm__("cmp %1, %2; sbb %0, %0" : "=r"(mask) : "r"(count), "r"(index) : "cc");
    return index & mask;
}

/* The matrix governs every nested ecall, public or private. */
static bool may_nest(const struct ap_ecall_table *table, uint64_t ecall, int64_t outstanding)
{
    uint64_t ocall = (uint64_t)outstanding;

    if (outstanding < 0 || !table->allowed || ocall >= table->ocall_count)
        return false;
    return table->allowed[clamp(ocall, table->ocall_count) * table->count + ecall] != 0;
}

sgx_status_t ecall_decode(const struct ap_ecall_table *table, int64_t index,
                          const struct ocall_frame *outstanding, const struct ap_ecall **ret_ecall)
{
    uint64_t at;

    if (index < 0 || (uint64_t)index >= table->count)
        return SGX_ERROR_INVALID_FUNCTION;
    at = clamp((uint64_t)index, table->count);
    if (outstanding ? !may_nest(table, at, outstanding->index) : table->ecall[at].is_private)
        return SGX_ERROR_ECALL_NOT_ALLOWED;
    speculation_barrier();
    *ret_ecall = &table->ecall[at];
    return SGX_SUCCESS;
}
