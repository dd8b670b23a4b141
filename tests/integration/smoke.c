/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smoke.c - an enclave's whole life in one program: load, call, fault, commit, publish, run
 *
 * On the device that APERTURE_DEVICE names. Exit status 77: there is no such device here.
 * On the model it prints the counters that it ended with, one `name value` a line.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "aperture/counters.h"
#include "aperture/urts.h"
#include "arch/leaf.h"
#include "basic/ecalls.h"
#include "os.h"

#define SKIPPED 77

static struct ap_enclave *enclave;
static unsigned failures, notes;

static sgx_status_t recurse(void *ms);

static sgx_status_t note(void *ms)
{
    (void)ms;
    notes++;
    return SGX_SUCCESS;
}

static ap_ocall_fn *const functions[BASIC_OCALL_COUNT] = {recurse, note, note};
static const struct ap_ocall_table ocalls = {BASIC_OCALL_COUNT, functions};

static sgx_status_t recurse(void *ms)
{
    return ap_ecall(enclave, BASIC_RECURSE, &ocalls, ms);
}

static void check(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "smoke: %s: failed. %s\n", what, ap_enclave_crash(enclave));
        failures++;
    }
}

static bool call(int index, void *ms)
{
    return ap_ecall(enclave, index, &ocalls, ms) == SGX_SUCCESS;
}

static void check_calls(void)
{
    struct basic_add add = {.a = 40, .b = 2};
    struct basic_recurse deep = {.depth = 5};
    struct basic_tls tls = {.add = 1};

    check(call(BASIC_ADD, &add) && add.sum == 42, "an ecall");
    check(call(BASIC_RECURSE, &deep) && deep.reached == 6 && deep.canary == 1, "nested calls");
    check(call(BASIC_TLS, &tls) && tls.counter == 1001 && tls.text == 1, "thread-local storage");
    check(ap_ecall(enclave, BASIC_PRIVATE, &ocalls, &add) == SGX_ERROR_ECALL_NOT_ALLOWED,
          "a private ecall");
}

static void check_exceptions(void)
{
    struct basic_catch caught = {.provocation = BASIC_DIVIDE,
                                 .flags = BASIC_CATCH_OCALL | BASIC_CATCH_NESTED};
    struct basic_resume kept = {0};

    check(call(BASIC_CATCH, &caught) && caught.exception.caught && caught.exception.vector == 0 &&
              caught.nested == 1 && notes == 1,
          "an exception");
    check(call(BASIC_RESUME, &kept) && kept.registers_kept && kept.vectors_kept && kept.flags_kept,
          "state around an exception");
}

static void check_pages(void)
{
    struct basic_commit commit = {.region = "pool", .pages = 16};
    struct basic_publish publish = {.region = "jit", .pages = 16, .value = 7};
    struct basic_access poke = {0};

    check(call(BASIC_COMMIT, &commit) && commit.status == SGX_SUCCESS && commit.zero == 1,
          "a commit");
    check(call(BASIC_PUBLISH, &publish) && publish.status == SGX_SUCCESS && publish.correct == 16,
          "a publication");
    poke.address = publish.where;
    check(call(BASIC_POKE, &poke) && poke.exception.caught && poke.exception.vector == 14,
          "a write to published code");
}

static void print_counters(void)
{
    struct sgx2_counters c;

    if (sgx2_counters_read(ap_enclave_fd(enclave), &c) < 0)
        return;
    printf("EENTER %d\nERESUME %d\nEEXIT %d\nEACCEPT %d\nEACCEPTCOPY %d\n",
           (int)c.enclu[SGX_EENTER], (int)c.enclu[SGX_ERESUME], (int)c.enclu[SGX_EEXIT],
           (int)c.enclu[SGX_EACCEPT], (int)c.enclu[SGX_EACCEPTCOPY]);
    printf("EAUG %d\nEMODPR %d\nETRACK %d\nECREATE %d\nEINIT %d\nADD_PAGES %d\nAEX %d\n",
           (int)c.encls[SGX_EAUG], (int)c.encls[SGX_EMODPR], (int)c.encls[SGX_ETRACK],
           (int)c.encls[SGX_ECREATE], (int)c.encls[SGX_EINIT], (int)c.ioctl_add_pages, (int)c.aex);
}

int main(int argc, char **argv)
{
    struct ap_error error;
    sgx_status_t status;

    if (argc != 2) {
        fputs("usage: smoke ENCLAVE\n", stderr);
        return 2;
    }
    status = ap_enclave_create(argv[1], NULL, &enclave, &error);
    if (status == SGX_ERROR_NO_DEVICE) {
        printf("skipped: %s\n", error.text);
        return SKIPPED;
    }
    if (status != SGX_SUCCESS) {
        fprintf(stderr, "smoke: %s\n", error.text);
        return 1;
    }
    check_calls();
    check_exceptions();
    check_pages();
    if (strcmp(ap_enclave_device(enclave), "model") == 0)
        print_counters();
    ap_enclave_destroy(enclave);
    fprintf(stderr, "smoke: %s\n", failures ? "failed" : "all is well");
    return failures ? 1 : 0;
}
