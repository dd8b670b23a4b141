/* SPDX-License-Identifier: Apache-2.0 */
/* init_test.c - sibling of trts/init.c */
#include <criterion/criterion.h>

#include "abi/call.h"
#include "arch/leaf.h"
#include "arch/secinfo.h"
#include "fake.h"
#include "fixup.h"
#include "init.h"
#include "mm/page.h"
#include "mm/pagemap.h"
#include "ocall.h"
#include "relocate.h"
#include "state.h"

static bool relocates = true;
static unsigned requests, accepts, cleared;
static uint64_t bad_page; /* EACCEPT refuses this offset */
static int bad_result = SGX_PAGE_ATTRIBUTES_MISMATCH;
static sgx_status_t second;
static void (*on_request)(void);

bool relocate_self(void)
{
    return relocates;
}

void pagemap_clear(void)
{
    cleared++;
}

void thread_setup_tls(struct thread_data *td)
{
    td->tls_ready = 1;
}

static unsigned constructed;

void run_constructors(void)
{
    constructed++;
    cr_assert(fake_thread()->tls_ready, "constructors may use TLS");
}

void ocall_pages(int64_t index, uint64_t offset, uint64_t size, uint64_t perm)
{
    cr_assert(index == AP_OCALL_RESTRICT && perm == SGX_SECINFO_R);
    cr_assert(offset == fake_layout()->relro_offset);
    cr_assert(size == fake_layout()->relro_pages * FAKE_PAGE);
    requests++;
    if (on_request)
        on_request();
}

int page_eaccept(uint64_t flags, uintptr_t page)
{
    cr_assert(flags == (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_PR));
    accepts++;
    return page - (uintptr_t)fake_base() == bad_page ? bad_result : SGX_OK;
}

TestSuite(init, .init = fake_reset);

Test(init, makes_the_enclave_ready)
{
    fake_layout()->relro_pages = 3;
    cr_assert(init_enclave() == SGX_SUCCESS);
    cr_assert(state_now() == STATE_READY);
    cr_assert(requests == 1 && accepts == 3 && cleared == 1);
    cr_assert(constructed == 1);
}

Test(init, happens_once)
{
    cr_assert(init_enclave() == SGX_SUCCESS);
    cr_assert(init_enclave() == SGX_ERROR_ECALL_NOT_ALLOWED);
    cr_assert(state_now() == STATE_READY && cleared == 1 && requests == 1);
}

static void init_again(void)
{
    second = init_enclave();
    cr_assert(state_now() == STATE_RUNNING);
}

Test(init, does_not_start_again_while_it_is_out_on_its_ocall)
{
    on_request = init_again;
    cr_assert(init_enclave() == SGX_SUCCESS);
    cr_assert(second == SGX_ERROR_ECALL_NOT_ALLOWED);
    cr_assert(state_now() == STATE_READY && cleared == 1);
}

Test(init, without_relro_asks_for_nothing)
{
    fake_layout()->relro_pages = 0;
    cr_assert(init_enclave() == SGX_SUCCESS);
    cr_assert(requests == 0 && accepts == 0);
}

Test(init, fails_for_good_if_a_page_stays_writable)
{
    fake_layout()->relro_pages = 2;
    bad_page = fake_layout()->relro_offset + FAKE_PAGE;
    cr_assert(init_enclave() == SGX_ERROR_HOST);
    cr_assert(state_now() == STATE_CRASHED);
    cr_assert(init_enclave() != SGX_SUCCESS);
    cr_assert(constructed == 0, "no code of the author's runs");
}

Test(init, fails_if_stale_translations_may_be_left)
{
    bad_page = fake_layout()->relro_offset;
    bad_result = SGX_NOT_TRACKED;
    cr_assert(init_enclave() == SGX_ERROR_HOST);
    cr_assert(state_now() == STATE_CRASHED);
}

Test(init, fails_if_the_leaf_faults)
{
    bad_page = fake_layout()->relro_offset;
    bad_result = LEAF_FAULT;
    cr_assert(init_enclave() == SGX_ERROR_HOST);
}

Test(init, fails_if_the_layout_or_a_relocation_makes_no_sense)
{
    relocates = false;
    cr_assert(init_enclave() == SGX_ERROR_INVALID_ENCLAVE);
    cr_assert(state_now() == STATE_CRASHED && requests == 0 && cleared == 0);
}

Test(init, fails_without_a_layout)
{
    fake_layout()->magic = 0;
    cr_assert(init_enclave() == SGX_ERROR_INVALID_ENCLAVE);
    cr_assert(state_now() == STATE_CRASHED && cleared == 0);
}

static void crash_meanwhile(void)
{
    state_crash();
}

Test(init, does_not_revive_an_enclave_that_crashed_on_the_way)
{
    on_request = crash_meanwhile;
    cr_assert(init_enclave() == SGX_ERROR_ENCLAVE_CRASHED);
    cr_assert(state_now() == STATE_CRASHED);
}
