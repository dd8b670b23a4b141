/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel plays with pages: adds, replaces, withholds. The enclave accepts a page only where its
 * signed table has one, only when it wants it, and only once.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "talk.h"

TestSuite(page, .init = host_open, .fini = host_close);

#define PENDING_RW (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W | SGX_SECINFO_PENDING)

/* Exactly these leaves ran inside since `before`. */
static void expect_leaves(const struct sgx2_counters *before, uint64_t eaccept,
                          uint64_t eacceptcopy)
{
    struct sgx2_counters after = host_counters();

    cr_assert_eq(HOST_DELTA(after, *before, enclu[SGX_EACCEPT]), eaccept, "EACCEPT: %llu",
                 (unsigned long long)HOST_DELTA(after, *before, enclu[SGX_EACCEPT]));
    cr_assert_eq(HOST_DELTA(after, *before, enclu[SGX_EACCEPTCOPY]), eacceptcopy,
                 "EACCEPTCOPY: %llu",
                 (unsigned long long)HOST_DELTA(after, *before, enclu[SGX_EACCEPTCOPY]));
}

static void expect_still_pending(uint64_t offset)
{
    struct sgx2_epcm_query query = host_epcm(offset);

    cr_assert(query.present);
    cr_assert_eq(query.secinfo, PENDING_RW, "SECINFO %#llx", (unsigned long long)query.secinfo);
}

static void work(void)
{
    host_check_sane();
    cr_assert_eq(host_commit("pool", 64, 4).status, SGX_SUCCESS);
    cr_assert_eq(host_publish(4, 1000).correct, 4);
    host_check_sane();
}

/* ------------------------------------------------------------------ pages that nobody wanted */

Test(page, added_outside_every_region_is_never_taken)
{
    const struct ap_slots *s = &host.layout.slots;
    const struct ap_region *last = &host.layout.region[host.layout.region_count - 1];
    const uint64_t where[] = {
        host.layout.image_size,            /* the guard behind the image */
        s->offset,                         /* below a stack */
        last->offset + last->pages * PAGE, /* behind the last region */
        host.layout.elrange_size - PAGE,   /* the end of ELRANGE */
    };
    struct sgx2_counters before = host_counters();

    for (size_t i = 0; i < sizeof where / sizeof *where; i++) {
        cr_assert_not(host_epcm(where[i] & SGX_PAGE_MASK).present, "%zu", i);
        host_act(SGX2_HOSTILE_EAUG, where[i] & SGX_PAGE_MASK, 0);
        cr_assert(host_peek(host.base + where[i], NULL).caught);
        cr_assert(host_poke(host.base + where[i], 1).caught);
    }
    expect_leaves(&before, 0, 0);
    work();
    for (size_t i = 0; i < sizeof where / sizeof *where; i++)
        expect_still_pending(where[i] & SGX_PAGE_MASK);
}

Test(page, added_in_a_region_before_anybody_wants_it_is_not_taken_by_touching_it)
{
    struct sgx2_counters before = host_counters();
    uint64_t offset = host_dynamic("pool", 9);

    host_act(SGX2_HOSTILE_EAUG, offset, 0);
    for (int i = 0; i < 3; i++) {
        cr_assert(host_peek(host.base + offset, NULL).caught);
        cr_assert(host_poke(host.base + offset, 1).caught);
    }
    expect_leaves(&before, 0, 0);
    expect_still_pending(offset);
    cr_assert_eq(host_commit("pool", 9, 1).status, SGX_SUCCESS, "by committing it is");
    expect_leaves(&before, 1, 0);
}

Test(page, of_a_read_only_region_is_not_taken_at_all)
{
    struct sgx2_counters before = host_counters();
    uint64_t offset = host_dynamic("fixed", 0);

    host_act(SGX2_HOSTILE_EAUG, offset, 0);
    cr_assert_eq(host_commit("fixed", 0, 1).status, SGX_ERROR_APERTURE);
    expect_leaves(&before, 0, 0);
    expect_still_pending(offset);
}

Test(page, commit_of_anything_but_whole_dynamic_pages_is_refused)
{
    struct sgx2_counters before = host_counters();
    struct basic_commit skewed = {.region = "pool", .pages = 1, .skew = 8};
    struct basic_commit huge = {.region = "pool", .pages = UINT64_C(1) << 40};
    const struct ap_region *pool = host_region("pool");

    host_must(BASIC_COMMIT, &skewed);
    cr_assert_eq(skewed.status, SGX_ERROR_INVALID_PARAMETER);
    host_must(BASIC_COMMIT, &huge);
    cr_assert_eq(huge.status, SGX_ERROR_INVALID_PARAMETER);
    cr_assert_eq(host_commit("pool", 0, 0).status, SGX_ERROR_INVALID_PARAMETER);
    cr_assert_eq(host_commit("pool", pool->pages - 1, 2).status, SGX_ERROR_INVALID_PARAMETER);
    cr_assert_eq(host_commit("pool", (uint64_t)-1, 1).status, SGX_ERROR_INVALID_PARAMETER);
    cr_assert_eq(host_commit("pagemap", 0, 1).status, SGX_ERROR_INVALID_PARAMETER);
    cr_assert_eq(host_commit("threads", 0, 1).status, SGX_ERROR_INVALID_PARAMETER);
    cr_assert_eq(host_commit("nowhere", 0, 1).status, SGX_ERROR_INVALID_PARAMETER);
    expect_leaves(&before, 0, 0);
    cr_assert_eq(HOST_DELTA(host_counters(), before, eexit), 8, "and the host was not even asked");
}

/* ------------------------------------------------------------------ a second life */

/* Gone, and back as a pending page of zeroes: the next touch is an attack, not a request. */
static void expect_replacement_refused(uint64_t address, bool can_be_written)
{
    uint64_t offset = (address & SGX_PAGE_MASK) - host.base;
    struct sgx2_counters before;

    host_act(SGX2_HOSTILE_REPLACE, offset, 0);
    before = host_counters();
    for (int i = 0; i < 3; i++) {
        struct basic_exception e = host_peek(address, NULL);

        cr_assert(e.caught);
        cr_assert_eq(e.address, address);
        cr_assert_eq(e.error_code, SGX_PFEC_P | SGX_PFEC_U | SGX_PFEC_SGX);
        if (can_be_written)
            cr_assert(host_poke(address, 1).caught);
    }
    expect_leaves(&before, 0, 0);
    expect_still_pending(offset);
}

Test(page, of_the_heap_replaced_by_a_fresh_one_is_never_accepted)
{
    expect_replacement_refused(host.base + host_region("heap")->offset + 0x108, true);
    work();
}

Test(page, that_was_committed_and_replaced_is_never_accepted_again)
{
    uint64_t offset = host_dynamic("pool", 2);
    struct sgx2_counters before;

    cr_assert_eq(host_commit("pool", 0, 4).status, SGX_SUCCESS);
    expect_replacement_refused(host.base + offset, true);
    before = host_counters();
    {
        struct basic_commit ms = {.region = "pool", .first = 2, .pages = 1};

        /* A commit finds it held and asks nobody; the write after it is the enclave's fault. */
        cr_assert_eq(host_ecall(BASIC_COMMIT, &ms), SGX_ERROR_ENCLAVE_CRASHED);
    }
    expect_leaves(&before, 0, 0);
    expect_still_pending(offset);
}

Test(page, of_published_code_replaced_by_a_fresh_one_is_never_accepted_nor_run)
{
    struct basic_publish first = host_publish(2, 50);
    uint64_t offset = first.where - host.base;
    struct sgx2_counters before;

    cr_assert_eq(first.correct, 2);
    expect_replacement_refused(first.where, true);
    before = host_counters();
    cr_assert(host_execute(first.where).caught);
    cr_assert_eq(host_execute(first.where + PAGE).caught, 0, "its neighbour runs");
    expect_leaves(&before, 0, 0);
    expect_still_pending(offset);
    work();
    expect_still_pending(offset);
}

/* A page that every call needs. */
static void expect_replacement_fatal(uint64_t address)
{
    uint64_t offset = (address & SGX_PAGE_MASK) - host.base;
    struct basic_add ms = {.a = 1, .b = 2};
    struct sgx2_counters before;

    host_act(SGX2_HOSTILE_REPLACE, offset, 0);
    before = host_counters();
    cr_assert_eq(host_ecall(BASIC_ADD, &ms), SGX_ERROR_ENCLAVE_CRASHED);
    cr_assert_eq(ms.sum, 0);
    cr_assert_not_null(strstr(ap_enclave_crash(host.enclave), "refused by the EPCM"), "%s",
                       ap_enclave_crash(host.enclave));
    expect_leaves(&before, 0, 0);
    expect_still_pending(offset);
}

Test(page, of_relocated_constants_replaced_by_a_fresh_one_crashes_the_enclave)
{
    expect_replacement_fatal(host_addresses().relro);
}

Test(page, of_code_replaced_by_a_fresh_one_crashes_the_enclave)
{
    expect_replacement_fatal(host_addresses().text);
}

Test(page, of_the_stack_replaced_by_a_fresh_one_crashes_the_enclave)
{
    expect_replacement_fatal(host_addresses().stack);
}

Test(page, of_the_page_map_replaced_by_a_fresh_one_does_not_make_the_enclave_forget)
{
    struct basic_commit ms = {.region = "pool", .pages = 1};
    uint64_t offset = host_region("pagemap")->offset;
    struct sgx2_counters before;

    cr_assert_eq(host_commit("pool", 0, 1).status, SGX_SUCCESS);
    host_act(SGX2_HOSTILE_REPLACE, offset, 0);
    before = host_counters();
    cr_assert_eq(host_ecall(BASIC_COMMIT, &ms), SGX_ERROR_ENCLAVE_CRASHED);
    expect_leaves(&before, 0, 0);
    expect_still_pending(offset);
}

Test(page, that_was_removed_and_not_replaced_is_missed_and_not_wanted_back)
{
    uint64_t offset = host_dynamic("pool", 0);
    struct sgx2_counters before;
    struct basic_exception e;

    cr_assert_eq(host_commit("pool", 0, 1).status, SGX_SUCCESS);
    host_act(SGX2_HOSTILE_REMOVE, offset, 0);
    before = host_counters();
    e = host_peek(host.base + offset, NULL); /* the kernel settles this fault by an EAUG */
    cr_assert(e.caught);
    cr_assert_eq(e.error_code, SGX_PFEC_P | SGX_PFEC_U | SGX_PFEC_SGX);
    expect_leaves(&before, 0, 0);
    expect_still_pending(offset);
}

Test(page, added_twice_at_one_address_shows_the_enclave_only_what_it_accepted)
{
    uint64_t offset = host_dynamic("pool", 5), value = 0;
    struct sgx2_counters before;

    cr_assert_eq(host_commit("pool", 5, 1).status, SGX_SUCCESS);
    cr_assert_eq(host_poke(host.base + offset, 0x5ec2e7).caught, 0);
    host_act(SGX2_HOSTILE_EAUG, offset, 0); /* a second frame; the page table now shows that */
    before = host_counters();
    cr_assert(host_peek(host.base + offset, &value).caught);
    cr_assert_eq(value, 0);
    cr_assert(host_poke(host.base + offset, 1).caught);
    expect_leaves(&before, 0, 0);
}

/* ------------------------------------------------------------------ committed is committed */

Test(page, that_is_committed_is_not_accepted_again)
{
    struct basic_commit again = {.region = "pool", .pages = 8};
    struct sgx2_counters before = host_counters();

    cr_assert_eq(host_commit("pool", 2, 2).status, SGX_SUCCESS);
    expect_leaves(&before, 2, 0);
    host_must(BASIC_COMMIT, &again);
    cr_assert_eq(again.status, SGX_SUCCESS);
    cr_assert_eq(again.zero, 0, "two of them hold what was written");
    expect_leaves(&before, 8, 0);
    before = host_counters();
    cr_assert_eq(host_commit("pool", 0, 8).status, SGX_SUCCESS);
    expect_leaves(&before, 0, 0);
    cr_assert_eq(HOST_DELTA(host_counters(), before, eexit), 1, "the host is not asked again");
}

Test(page, of_code_is_published_once)
{
    struct basic_publish ms = host_publish(3, 5);

    cr_assert_eq(ms.status, SGX_SUCCESS);
    cr_assert_eq(ms.again, SGX_ERROR_INVALID_PARAMETER);
    cr_assert_eq(ms.correct, 3);
}

/* ------------------------------------------------------------------ withheld */

Test(page, withheld_by_the_host_is_an_error_and_the_enclave_goes_on)
{
    struct basic_publish ms;

    host_act(SGX2_HOSTILE_DENY_EAUG, 0, 1);
    cr_assert_eq(host_commit("pool", 0, 4).status, SGX_ERROR_HOST);
    ms = host_publish(4, 77);
    cr_assert_eq(ms.reserve, SGX_SUCCESS);
    cr_assert_eq(ms.status, SGX_ERROR_HOST);
    cr_assert_eq(ms.correct, 0);
    host_check_sane();
    cr_assert_eq(host_commit("pool", 0, 4).status, SGX_ERROR_HOST, "as often as one asks");

    host_act(SGX2_HOSTILE_DENY_EAUG, 0, 0);
    cr_assert_eq(host_commit("pool", 0, 4).status, SGX_SUCCESS);
    ms = host_publish(4, 78);
    cr_assert_eq(ms.status, SGX_SUCCESS);
    cr_assert_eq(ms.correct, 4);
    host_check_sane();
}

Test(page, withheld_by_the_host_half_way_leaves_the_rest_usable)
{
    const uint64_t third = host_dynamic("pool", 2);
    struct sgx2_counters before;
    struct basic_commit ms;

    /* The host adds two pages and no more. */
    host_act(SGX2_HOSTILE_EAUG, third - 2 * PAGE, 0);
    host_act(SGX2_HOSTILE_EAUG, third - PAGE, 0);
    host_act(SGX2_HOSTILE_DENY_EAUG, 0, 1);
    cr_assert_eq(host_commit("pool", 0, 4).status, SGX_ERROR_HOST);
    cr_assert_eq(host_epcm(third - PAGE).secinfo & SGX_SECINFO_PENDING, 0);
    before = host_counters();
    cr_assert_eq(host_commit("pool", 0, 2).status, SGX_SUCCESS, "what was accepted is held");
    expect_leaves(&before, 0, 0);
    host_act(SGX2_HOSTILE_DENY_EAUG, 0, 0);
    ms = host_commit("pool", 0, 4);
    cr_assert_eq(ms.status, SGX_SUCCESS);
    expect_leaves(&before, 2, 0);
}

/* ------------------------------------------------------------------ a host that lies */

/* Ecall to ecall, with every request for pages answered by a lie. */
static struct talk lie_through(struct talk exit, unsigned *ret_requests)
{
    for (*ret_requests = 0; *ret_requests < 8; ++*ret_requests) {
        struct ap_ocall_pages *request = (struct ap_ocall_pages *)(uintptr_t)exit.rdx;

        if (exit.kind != TALK_EXIT || exit.rdi != AP_EXIT_OCALL)
            return exit;
        cr_assert_lt((int64_t)exit.rsi, 0);
        request->result = 0;
        exit = talk_oret(host_tcs(0), SGX_SUCCESS);
    }
    return exit;
}

Test(page, that_the_host_only_says_it_added_comes_by_a_fault_instead)
{
    struct basic_commit ms = {.region = "pool", .pages = 3};
    struct sgx2_counters before = host_counters(), after;
    struct talk exit;
    unsigned requests;

    exit = lie_through(talk_ecall(host_tcs(0), BASIC_COMMIT, &ms), &requests);
    TALK_RETURNS(exit, SGX_SUCCESS);
    after = host_counters();
    cr_assert_eq(requests, 1);
    cr_assert_eq(ms.status, SGX_SUCCESS);
    cr_assert_eq(ms.zero, 1);
    cr_assert_eq(HOST_DELTA(after, before, eaug_faults), 3);
    cr_assert_eq(HOST_DELTA(after, before, aex), 3);
}

Test(page, that_the_host_says_it_added_and_then_withholds_is_an_error)
{
    struct basic_commit ms = {.region = "pool", .pages = 3};
    struct talk exit;
    unsigned requests;

    host_act(SGX2_HOSTILE_DENY_EAUG, 0, 1);
    exit = lie_through(talk_ecall(host_tcs(0), BASIC_COMMIT, &ms), &requests);
    TALK_RETURNS(talk_on(host_tcs(0), exit), SGX_SUCCESS);
    cr_assert_eq(ms.status, SGX_ERROR_HOST);
    host_check_sane();
}

Test(page, of_another_size_than_asked_for_changes_nothing)
{
    struct basic_publish ms = {.region = "jit", .pages = 2, .value = 9};
    struct talk exit = talk_ecall(host_tcs(0), BASIC_PUBLISH, &ms);
    struct ap_ocall_pages *request = (struct ap_ocall_pages *)(uintptr_t)exit.rdx;
    uint64_t asked = request->offset;

    TALK_OCALLS(exit, AP_OCALL_TOUCH);
    cr_assert_eq(asked, host_dynamic("jit", 0));
    cr_assert_eq(request->size, 2 * PAGE);
    /* The enclave has its own idea of what it asked for. */
    *request = (struct ap_ocall_pages){.offset = 0, .size = ~UINT64_C(0), .perm = 7, .result = -1};
    exit = talk_oret(host_tcs(0), (sgx_status_t)0xdead);
    TALK_RETURNS(talk_on(host_tcs(0), exit), SGX_SUCCESS);
    cr_assert_eq(ms.status, SGX_SUCCESS);
    cr_assert_eq(ms.correct, 2);
    cr_assert_eq(ms.where, host.base + asked);
}

Test(page, of_code_that_is_being_published_is_not_given_to_a_second_publication)
{
    struct basic_publish outer = {.region = "jit", .pages = 1, .value = 3}, inner = outer;
    unsigned requests;

    TALK_OCALLS(talk_ecall(host_tcs(0), BASIC_PUBLISH, &outer), AP_OCALL_TOUCH);
    TALK_OCALLS(talk_ecall(host_tcs(1), BASIC_PUBLISH, &inner), AP_OCALL_TOUCH);
    TALK_RETURNS(talk_oret(host_tcs(1), SGX_SUCCESS), SGX_SUCCESS);
    cr_assert_eq(inner.status, SGX_SUCCESS);
    cr_assert_eq(inner.correct, 1);
    TALK_RETURNS(lie_through(talk_oret(host_tcs(0), SGX_SUCCESS), &requests), SGX_SUCCESS);
    cr_assert_eq(outer.status, SGX_SUCCESS);
    cr_assert_eq(outer.correct, 1);
    cr_assert_neq(outer.where, inner.where);
}

Test(page, that_two_calls_commit_at_once_is_accepted_once)
{
    struct basic_commit a = {.region = "pool", .pages = 2}, b = a;
    struct sgx2_counters before = host_counters();

    TALK_OCALLS(talk_ecall(host_tcs(0), BASIC_COMMIT, &a), AP_OCALL_TOUCH);
    TALK_OCALLS(talk_ecall(host_tcs(1), BASIC_COMMIT, &b), AP_OCALL_TOUCH);
    TALK_RETURNS(talk_oret(host_tcs(1), SGX_SUCCESS), SGX_SUCCESS);
    TALK_RETURNS(talk_oret(host_tcs(0), SGX_SUCCESS), SGX_SUCCESS);
    cr_assert_eq(a.status, SGX_SUCCESS);
    cr_assert_eq(b.status, SGX_SUCCESS);
    /* A page that the host had not added faults inside EACCEPT, which then runs again. */
    cr_assert_eq(HOST_DELTA(host_counters(), before, enclu[SGX_EACCEPT]),
                 2 + HOST_DELTA(host_counters(), before, eaug_faults));
}
