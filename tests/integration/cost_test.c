/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What honest work costs, to the last exit: the model counts.
 */
#include <stdlib.h>

#include "aperture/counters.h"
#include "host.h"
#include "talk.h"

static struct sgx2_counters before;

/* First touches of the image's own pages are over before anything is counted. */
static void open_cost(void)
{
    struct basic_resume resume;

    host_open();
    for (unsigned i = 0; i < 2; i++) {
        host_must(BASIC_RESUME, &resume);
        host_check_sane();
        cr_assert_eq(host_publish(1, 1).correct, 1);
        cr_assert_eq(host_commit("toggle", i, 1).status, SGX_SUCCESS);
    }
}

TestSuite(cost, .init = open_cost, .fini = host_close);

static void count_from_here(void)
{
    before = host_counters();
}

struct cost {
    uint64_t enter, exit, resume, aex, accept, accept_copy, extend, ioctls, eaug, page_faults;
};

static void expect_cost(struct cost c)
{
    const struct sgx2_counters now = host_counters();
    const struct sgx2_counters spent = sgx2_counters_since(&now, &before);

    cr_assert_eq(spent.enclu[SGX_EENTER], c.enter, "EENTER %d", (int)spent.enclu[SGX_EENTER]);
    cr_assert_eq(spent.eexit, c.exit, "EEXIT %d", (int)spent.eexit);
    cr_assert_eq(spent.enclu[SGX_EEXIT], c.exit);
    cr_assert_eq(spent.enclu[SGX_ERESUME], c.resume, "ERESUME %d", (int)spent.enclu[SGX_ERESUME]);
    cr_assert_eq(spent.aex, c.aex, "AEX %d", (int)spent.aex);
    cr_assert_eq(spent.enclu[SGX_EACCEPT], c.accept, "EACCEPT %d", (int)spent.enclu[SGX_EACCEPT]);
    cr_assert_eq(spent.enclu[SGX_EACCEPTCOPY], c.accept_copy, "EACCEPTCOPY %d",
                 (int)spent.enclu[SGX_EACCEPTCOPY]);
    cr_assert_eq(spent.enclu[SGX_EMODPE], c.extend);
    cr_assert_eq(spent.ioctl_restrict + spent.ioctl_modify_types + spent.ioctl_remove, c.ioctls);
    cr_assert_eq(spent.encls[SGX_EAUG], c.eaug, "EAUG %d", (int)spent.encls[SGX_EAUG]);
    cr_assert_eq(spent.eaug_faults, c.eaug);
    cr_assert_eq(spent.mprotects + spent.mmaps + spent.munmaps, 0);
    cr_assert_eq(spent.encls[SGX_EMODPR] + spent.encls[SGX_EMODT] + spent.encls[SGX_ETRACK], 0);
    cr_assert_eq(spent.ipis, 0);
}

Test(cost, of_an_ecall_is_one_entry_and_one_exit)
{
    count_from_here();
    for (unsigned i = 1; i <= 10; i++) {
        host_check_sane();
        expect_cost((struct cost){.enter = i, .exit = i});
    }
}

Test(cost, of_an_ocall_is_one_more_of_each)
{
    struct basic_ocall ms = {.index = BASIC_OCALL_NOTE, .size = 4096, .inside = 1};

    host_must(BASIC_OCALL, &ms); /* its argument's pages are touched now */
    count_from_here();
    host_must(BASIC_OCALL, &ms);
    expect_cost((struct cost){.enter = 2, .exit = 2});
}

Test(cost, of_nested_calls_is_the_sum_of_their_parts)
{
    struct basic_recurse ms = {.depth = 9};

    host_must(BASIC_RECURSE, &ms); /* the stack is touched now */
    cr_assert_eq(ms.reached, 10);
    ms = (struct basic_recurse){.depth = 9};
    count_from_here();
    host_must(BASIC_RECURSE, &ms);
    expect_cost((struct cost){.enter = 19, .exit = 19});
}

Test(cost, of_a_handled_exception_is_one_asynchronous_exit_one_question_and_one_resume)
{
    struct basic_resume ms;

    count_from_here();
    host_must(BASIC_RESUME, &ms);
    expect_cost((struct cost){.enter = 2, .exit = 2, .resume = 1, .aex = 1});
}

/* Everything the ecall does besides is constant, so two sizes give the price of a page. */
static void expect_publication(uint64_t pages)
{
    struct basic_publish ms = {.region = "jit", .pages = pages, .value = 100};

    count_from_here();
    host_must(BASIC_PUBLISH, &ms);
    cr_assert_eq(ms.status, SGX_SUCCESS);
    cr_assert_eq(ms.correct, pages);
    cr_assert_eq(host_counters().exceptions, before.exceptions);
    /* Running the pages touches their translations; publishing them costs no asynchronous exit. */
    expect_cost((struct cost){.enter = 2, .exit = 2, .accept_copy = pages, .eaug = pages});
}

Test(cost, of_a_publication_is_one_ocall_and_one_leaf_a_page_and_nothing_else)
{
    expect_publication(1); /* and whatever of the code's buffer was not touched yet */
    expect_publication(1);
    expect_publication(16);
    expect_publication(64);
}

Test(cost, of_a_publication_of_unaligned_code_is_the_same)
{
    struct basic_publish ms = {.region = "jit", .pages = 16, .value = 100, .skew = 100};

    host_must(BASIC_PUBLISH, &ms);
    count_from_here();
    host_must(BASIC_PUBLISH, &ms);
    cr_assert_eq(ms.correct, 16);
    expect_cost((struct cost){.enter = 2, .exit = 2, .accept_copy = 16, .eaug = 16});
}

static void expect_commit(uint64_t first, uint64_t pages)
{
    struct basic_commit ms = {.region = "pool", .first = first, .pages = pages};

    count_from_here();
    host_must(BASIC_COMMIT, &ms);
    cr_assert_eq(ms.status, SGX_SUCCESS);
    cr_assert_eq(ms.zero, 1);
    expect_cost((struct cost){.enter = 2, .exit = 2, .accept = pages, .eaug = pages});
}

Test(cost, of_a_commit_is_one_ocall_and_one_leaf_a_page_and_nothing_else)
{
    expect_commit(0, 1);
    expect_commit(1, 16);
    expect_commit(17, 64);
}

Test(cost, of_a_commit_of_what_is_committed_is_nothing)
{
    cr_assert_eq(host_commit("pool", 0, 16).status, SGX_SUCCESS);
    count_from_here();
    cr_assert_eq(host_commit("pool", 0, 16).status, SGX_SUCCESS);
    expect_cost((struct cost){.enter = 1, .exit = 1});
}

/* What is missing in the middle is fetched in one go, and what is there is left alone. */
Test(cost, of_a_commit_with_a_gap_is_that_of_the_gap)
{
    cr_assert_eq(host_commit("pool", 0, 4).status, SGX_SUCCESS);
    cr_assert_eq(host_commit("pool", 8, 4).status, SGX_SUCCESS);
    count_from_here();
    cr_assert_eq(host_commit("pool", 0, 12).status, SGX_SUCCESS);
    expect_cost((struct cost){.enter = 2, .exit = 2, .accept = 4, .eaug = 4});
}

Test(cost, of_a_refused_request_is_that_of_the_ecall_alone)
{
    count_from_here();
    cr_assert_eq(host_commit("fixed", 0, 1).status, SGX_ERROR_APERTURE);
    cr_assert_eq(host_commit("jit", 0, 1).status, SGX_ERROR_APERTURE);
    expect_cost((struct cost){.enter = 2, .exit = 2});
}

Test(cost, of_creation_is_one_ioctl_a_run_and_one_restriction)
{
    struct sgx2_counters c;

    host_close();
    host_open();
    c = host_counters();
    cr_assert_eq(c.ioctl_create, 1);
    cr_assert_eq(c.ioctl_init, 1);
    cr_assert_leq(c.ioctl_restrict, 2); /* the probe, and RELRO */
    cr_assert_eq(c.encls[SGX_ECREATE], 1);
    cr_assert_eq(c.encls[SGX_EINIT], 1);
    cr_assert_eq(c.encls[SGX_EMODPR], host.layout.relro_pages);
    cr_assert_eq(c.enclu[SGX_EACCEPT], host.layout.relro_pages);
    cr_assert_eq(c.encls[SGX_EAUG], 0);
    cr_assert_geq(c.enclu[SGX_EENTER], 2); /* those that find the slot not mapped count too */
    cr_assert_eq(c.eexit, 2);
    cr_assert_eq(c.epc_pages, c.encls[SGX_EADD] + c.encls[SGX_EPA] + 1);
    /* The heap's initial pages are the only ones that are not measured, 16 EEXTENDs a page. */
    cr_assert_eq(c.encls[SGX_EEXTEND], 16 * (c.encls[SGX_EADD] - host_region("heap")->initial));
}
