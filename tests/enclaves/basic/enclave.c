/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enclave.c - the test enclave's tables
 */
#include "basic.h"

static const struct ap_ecall ecalls[BASIC_ECALL_COUNT] = {
    [BASIC_NOP] = {basic_nop, false},
    [BASIC_ADD] = {basic_add, false},
    [BASIC_ECHO] = {basic_echo, false},
    [BASIC_RECURSE] = {basic_recurse, false},
    [BASIC_PRIVATE] = {basic_add, true},
    [BASIC_TLS] = {basic_tls, false},
    [BASIC_PEEK] = {basic_peek, false},
    [BASIC_POKE] = {basic_poke, false},
    [BASIC_EXECUTE] = {basic_execute, false},
    [BASIC_CATCH] = {basic_catch, false},
    [BASIC_RESUME] = {basic_resume, false},
    [BASIC_FLAGS] = {basic_flags, false},
    [BASIC_COMMIT] = {basic_commit, false},
    [BASIC_PUBLISH] = {basic_publish, false},
    [BASIC_REGION] = {basic_region, false},
    [BASIC_PROVOKE] = {basic_provoke, false},
    [BASIC_OVERFLOW] = {basic_overflow, false},
    [BASIC_OCALL] = {basic_ocall, false},
    [BASIC_PUBLISH_BAD] = {basic_publish_bad, false},
    [BASIC_ADDRESSES] = {basic_addresses, false},
    [BASIC_CONTROL] = {basic_control, false},
};

/* From RECURSE: itself and the private ecall. From NOTE: NOP. From STRICT: nothing. */
static const uint8_t allowed[BASIC_OCALL_COUNT][BASIC_ECALL_COUNT] = {
    [BASIC_OCALL_RECURSE] = {[BASIC_RECURSE] = 1, [BASIC_PRIVATE] = 1},
    [BASIC_OCALL_NOTE] = {[BASIC_NOP] = 1},
};

const struct ap_ecall_table ap_ecalls = {
    .count = BASIC_ECALL_COUNT,
    .ecall = ecalls,
    .ocall_count = BASIC_OCALL_COUNT,
    .allowed = &allowed[0][0],
};
