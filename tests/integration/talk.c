/* SPDX-License-Identifier: Apache-2.0 */
#include "talk.h"

#include "gate.h"
#include "touch.h"

uint8_t *talk_area(void)
{
    static _Thread_local uint8_t area[TALK_AREA_SIZE] __attribute__((aligned(4096)));

    return area;
}

static struct talk pass(uint64_t tcs, uint32_t function)
{
    struct sgx_enclave_run run = {.tcs = tcs};
    int r = gate_enter_pass(os_model()->enter_enclave, function, &run);

    cr_assert_eq(r, 0, "enter_enclave: %d", r);
    if (run.function == SGX_EEXIT)
        return (struct talk){TALK_EXIT, gate.out.rdi, gate.out.rsi, gate.out.rdx, 0, 0, 0};
    return (struct talk){
        .kind = run.function == SGX_ERESUME ? TALK_EXCEPTION : TALK_REFUSED,
        .vector = run.exception_vector,
        .error = run.exception_error_code,
        .address = run.exception_addr,
    };
}

struct talk talk_enter(uint64_t tcs, int64_t rdi, uint64_t rsi, uint64_t rdx, uint64_t r8)
{
    gate_reset();
    gate.in.rdi = (uint64_t)rdi;
    gate.in.rsi = rsi;
    gate.in.rdx = rdx;
    gate.in.r8 = r8;
    return pass(tcs, SGX_EENTER);
}

struct talk talk_resume(uint64_t tcs)
{
    gate_reset();
    return pass(tcs, SGX_ERESUME);
}

struct talk talk_ecall(uint64_t tcs, int64_t index, void *ms)
{
    return talk_enter(tcs, index, (uintptr_t)ms, (uintptr_t)talk_area(), TALK_AREA_SIZE);
}

struct talk talk_oret(uint64_t tcs, sgx_status_t status)
{
    return talk_enter(tcs, AP_ENTER_ORET, status, (uintptr_t)talk_area(), TALK_AREA_SIZE);
}

static int serve_pages(int64_t index, const struct ap_ocall_pages *p)
{
    struct sgx_enclave_restrict_permissions restricted = {
        .offset = p->offset, .length = p->size, .permissions = p->perm};
    int r = 0;

    if (index == AP_OCALL_RESTRICT)
        return os_model()->ioctl(host.fd, SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS, &restricted);
    cr_assert_eq(index, AP_OCALL_TOUCH);
    for (uint64_t done = 0; r == 0 && done < p->size; done += PAGE)
        r = touch_page((const void *)(uintptr_t)(host.base + p->offset + done));
    return r;
}

struct talk talk_on(uint64_t tcs, struct talk exit)
{
    while (exit.kind != TALK_REFUSED) {
        if (exit.kind == TALK_EXCEPTION) {
            struct talk answer = talk_enter(tcs, 0, 0, 0, 0);

            if (answer.kind != TALK_EXIT || answer.rsi != SGX_SUCCESS)
                return answer;
            exit = talk_resume(tcs);
        } else if (exit.rdi == AP_EXIT_OCALL) {
            if ((int64_t)exit.rsi < 0)
                serve_pages((int64_t)exit.rsi, (const void *)(uintptr_t)exit.rdx);
            exit = talk_oret(tcs, SGX_SUCCESS);
        } else {
            return exit;
        }
    }
    return exit;
}

/* Says that the enclave ran and returned success, without entering it. */
static int pretend(unsigned long rdi, unsigned long rsi, unsigned long rdx, unsigned int function,
                   unsigned long r8, unsigned long r9, struct sgx_enclave_run *run)
{
    sgx_enclave_user_handler_t handler = (sgx_enclave_user_handler_t)(uintptr_t)run->user_handler;

    (void)rdi, (void)rsi, (void)rdx, (void)function, (void)r8, (void)r9;
    run->function = SGX_EEXIT;
    return handler(AP_EXIT_RETURN, SGX_SUCCESS, 0, 0, 0, 0, run);
}

void talk_create_uninitialised(const char *path)
{
    static struct os table; /* the enclave keeps using it */
    struct ap_options options = {.os = &table};

    table = *os_model();
    table.enter_enclave = pretend;
    cr_assert_eq(host_create(path, &options), SGX_SUCCESS, "%s", host.error.text);
    cr_assert_eq(host_counters().enclu[SGX_EENTER], 0);
    table.enter_enclave = os_model()->enter_enclave; /* from here on the door is a door */
}
