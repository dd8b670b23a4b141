/* SPDX-License-Identifier: Apache-2.0 */
/* ecall_test.c - sibling of trts/ecall.c */
#include <criterion/criterion.h>

#include "abi/call.h"
#include "ecall.h"

static sgx_status_t body(uint64_t ms)
{
    (void)ms;
    return SGX_SUCCESS;
}

enum { PUBLIC, PRIVATE, OTHER, ECALLS };
enum { ALLOWS_PRIVATE, ALLOWS_NONE, OCALLS };

static const struct ap_ecall ecalls[ECALLS] = {{body, false}, {body, true}, {body, false}};
static const uint8_t allowed[OCALLS][ECALLS] = {[ALLOWS_PRIVATE] = {[PRIVATE] = 1, [OTHER] = 1}};
static const struct ap_ecall_table table = {ECALLS, ecalls, OCALLS, &allowed[0][0]};

static sgx_status_t decode(int64_t index, const struct ocall_frame *outstanding)
{
    const struct ap_ecall *ecall = NULL;
    sgx_status_t status = ecall_decode(&table, index, outstanding, &ecall);

    cr_assert((status == SGX_SUCCESS) == (ecall != NULL));
    cr_assert(!ecall || ecall == &ecalls[index]);
    return status;
}

static sgx_status_t nested(int64_t index, int64_t ocall)
{
    const struct ocall_frame frame = {.index = ocall};

    return decode(index, &frame);
}

Test(ecall, public_ecalls_run_at_the_root_and_private_ones_do_not)
{
    cr_assert(decode(PUBLIC, NULL) == SGX_SUCCESS);
    cr_assert(decode(OTHER, NULL) == SGX_SUCCESS);
    cr_assert(decode(PRIVATE, NULL) == SGX_ERROR_ECALL_NOT_ALLOWED);
}

Test(ecall, an_index_that_is_not_in_the_table_is_refused)
{
    cr_assert(decode(ECALLS, NULL) == SGX_ERROR_INVALID_FUNCTION);
    cr_assert(decode(-1, NULL) == SGX_ERROR_INVALID_FUNCTION);
    cr_assert(decode(-3, NULL) == SGX_ERROR_INVALID_FUNCTION);
    cr_assert(decode(INT64_MAX, NULL) == SGX_ERROR_INVALID_FUNCTION);
    cr_assert(decode(INT64_MIN, NULL) == SGX_ERROR_INVALID_FUNCTION);
    cr_assert(decode(INT64_C(1) << 32, NULL) == SGX_ERROR_INVALID_FUNCTION);
    cr_assert(nested(ECALLS, ALLOWS_PRIVATE) == SGX_ERROR_INVALID_FUNCTION);
}

Test(ecall, the_matrix_decides_what_an_outstanding_ocall_allows)
{
    cr_assert(nested(PRIVATE, ALLOWS_PRIVATE) == SGX_SUCCESS);
    cr_assert(nested(OTHER, ALLOWS_PRIVATE) == SGX_SUCCESS);
    cr_assert(nested(PUBLIC, ALLOWS_PRIVATE) == SGX_ERROR_ECALL_NOT_ALLOWED);
    cr_assert(nested(PRIVATE, ALLOWS_NONE) == SGX_ERROR_ECALL_NOT_ALLOWED);
    cr_assert(nested(PUBLIC, ALLOWS_NONE) == SGX_ERROR_ECALL_NOT_ALLOWED);
}

Test(ecall, the_runtimes_own_ocalls_allow_nothing)
{
    cr_assert(nested(PUBLIC, AP_OCALL_TOUCH) == SGX_ERROR_ECALL_NOT_ALLOWED);
    cr_assert(nested(PRIVATE, AP_OCALL_RESTRICT) == SGX_ERROR_ECALL_NOT_ALLOWED);
    cr_assert(nested(OTHER, INT64_MIN) == SGX_ERROR_ECALL_NOT_ALLOWED);
}

Test(ecall, an_ocall_that_has_no_row_allows_nothing)
{
    cr_assert(nested(PRIVATE, OCALLS) == SGX_ERROR_ECALL_NOT_ALLOWED);
    cr_assert(nested(PRIVATE, INT64_MAX) == SGX_ERROR_ECALL_NOT_ALLOWED);
}

Test(ecall, without_a_matrix_nothing_nests)
{
    const struct ap_ecall_table bare = {ECALLS, ecalls, OCALLS, NULL};
    const struct ocall_frame frame = {.index = 0};
    const struct ap_ecall *ecall = NULL;

    cr_assert(ecall_decode(&bare, PUBLIC, &frame, &ecall) == SGX_ERROR_ECALL_NOT_ALLOWED);
    cr_assert(ecall == NULL);
}

Test(ecall, an_empty_table_has_no_ecalls)
{
    const struct ap_ecall_table empty = {0};
    const struct ap_ecall *ecall = NULL;

    cr_assert(ecall_decode(&empty, 0, NULL, &ecall) == SGX_ERROR_INVALID_FUNCTION);
}
