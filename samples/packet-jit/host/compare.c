/* SPDX-License-Identifier: Apache-2.0 */
#include "host/compare.h"

#include <stdio.h>
#include <stdlib.h>

#include "host/program.h"
#include "host/reason.h"

bool comparison_agrees(const struct comparison *c)
{
    return c->wrong == 0 && c->matches == c->expected;
}

static void fail_ecall(struct ap_enclave *enclave, const char *what, sgx_status_t status,
                       char *error)
{
    snprintf(error, COMPARE_ERROR_SIZE, "%s: the ecall failed with %#x %s", what, (unsigned)status,
             status == SGX_ERROR_ENCLAVE_CRASHED ? ap_enclave_crash(enclave) : "");
}

/* How many verdicts differ from libpcap's. Its matches are counted on the way. */
static uint32_t count_wrong(const struct program *program, const struct capture *capture,
                            const uint32_t *verdicts, uint64_t *ret_expected)
{
    uint32_t wrong = 0;
    uint64_t expected = 0;

    for (uint32_t i = 0; i < capture->batch_count; i++) {
        const struct batch *batch = capture->batches[i];

        for (uint32_t j = 0; j < batch->packet_count; j++) {
            const struct filter_packet *p = &batch->packets[j];
            const uint32_t truth = program_verdict(program, batch->data + p->offset, p);

            expected += truth != 0;
            wrong += *verdicts++ != truth;
        }
    }
    *ret_expected = expected;
    return wrong;
}

/* Whatever else the machine does only adds to a time: the smallest is nearest to the truth. */
#define ROUNDS 5

static sgx_status_t run_rounds(struct ap_enclave *enclave, const struct capture *capture,
                               enum filter_engine engine, uint32_t repeat, uint32_t *verdicts,
                               uint64_t *ret_matches, double *ret_seconds)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        double seconds;
        const sgx_status_t status =
            session_run(enclave, capture, engine, repeat, verdicts, ret_matches, &seconds);

        if (status != SGX_SUCCESS)
            return status;
        if (i == 0 || seconds < *ret_seconds)
            *ret_seconds = seconds;
    }
    return SGX_SUCCESS;
}

static int run_both(struct ap_enclave *enclave, const struct capture *capture,
                    const struct program *program, uint32_t repeat, struct comparison *ret,
                    char *error)
{
    uint32_t *verdicts = calloc(capture->packet_count, sizeof *verdicts);
    uint64_t matches;
    sgx_status_t status;
    int r = -1;

    if (!verdicts) {
        snprintf(error, COMPARE_ERROR_SIZE, "not enough memory");
        return r;
    }
    status = run_rounds(enclave, capture, FILTER_INTERPRETER, repeat, verdicts, &matches,
                        &ret->interpreter_seconds);
    if (status != SGX_SUCCESS) {
        fail_ecall(enclave, "run, interpreted", status, error);
        goto free_verdicts;
    }
    ret->wrong = count_wrong(program, capture, verdicts, &ret->expected);
    ret->wrong += matches != ret->expected;

    status = run_rounds(enclave, capture, FILTER_JIT, repeat, verdicts, &ret->matches,
                        &ret->jit_seconds);
    if (status != SGX_SUCCESS) {
        fail_ecall(enclave, "run, compiled", status, error);
        goto free_verdicts;
    }
    ret->wrong += count_wrong(program, capture, verdicts, &ret->expected);
    r = 0;

free_verdicts:
    free(verdicts);
    return r;
}

int compare_expression(struct ap_enclave *enclave, const struct capture *capture,
                       const char *expression, uint32_t repeat, struct comparison *ret, char *error)
{
    char why[PROGRAM_ERROR_SIZE];
    struct program program;
    struct filter_load load;
    sgx_status_t status;
    int r = -1;

    if (program_compile(expression, &program, why) < 0) {
        snprintf(error, COMPARE_ERROR_SIZE, "not an expression: %s", why);
        return -1;
    }
    status = session_load(enclave, program.insns, program.count, &load);
    if (status != SGX_SUCCESS) {
        fail_ecall(enclave, "load", status, error);
    } else if (load.reason != FILTER_OK) {
        snprintf(error, COMPARE_ERROR_SIZE, "\"%s\": refused by the enclave at instruction %u: %s",
                 expression, load.index, reason_text(load.reason));
    } else {
        *ret = (struct comparison){.insns = program.count, .code_size = load.code_size};
        r = run_both(enclave, capture, &program, repeat, ret, error);
    }
    program_free(&program);
    return r;
}
