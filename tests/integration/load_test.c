/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loader lies: it gives the device something else than what the author signed.
 */
#include <stdlib.h>

#include "seam.h"

#define R  (SGX_SECINFO_REG | SGX_SECINFO_R)
#define RW (R | SGX_SECINFO_W)
#define RX (R | SGX_SECINFO_X)

static struct sgx_secinfo *secinfo_of(const struct sgx_enclave_add_pages *add)
{
    return (struct sgx_secinfo *)(uintptr_t)add->secinfo;
}

/* Pages [first, first + pages) of a run, with a SECINFO and flags of one's own. */
static int add_part(int fd, const struct sgx_enclave_add_pages *run, uint64_t first, uint64_t pages,
                    uint64_t secinfo_flags, uint64_t flags)
{
    struct sgx_secinfo secinfo = {.flags = secinfo_flags};
    struct sgx_enclave_add_pages add = {
        .src = run->src + first * PAGE,
        .offset = run->offset + first * PAGE,
        .length = pages * PAGE,
        .secinfo = (uintptr_t)&secinfo,
        .flags = flags,
    };

    return pages ? seam_pass(fd, SGX_IOC_ENCLAVE_ADD_PAGES, &add) : 0;
}

static uint64_t pages_of(const struct sgx_enclave_add_pages *run)
{
    return run->length / PAGE;
}

/* The run counts as added, whatever was done instead. */
static int done(struct sgx_enclave_add_pages *run, int r)
{
    run->count = r < 0 ? 0 : run->length;
    return r;
}

static bool is_heap(const struct sgx_enclave_add_pages *run)
{
    return run->offset == layout_region(&seam_layout, "heap")->offset;
}

/* ------------------------------------------------------------------ nothing but the truth */

Test(load, what_was_signed_loads)
{
    cr_assert_eq(seam_create(heap39_file, NULL, false), SGX_SUCCESS, "%s", host.error.text);
    host_check_sane();
    host_close();
    cr_assert_eq(seam_holdings(seam_base, seam_layout.elrange_size).mappings_in_range, 0);
}

static void expect_other_measurement(seam_ioctl *hook)
{
    seam_expect_refusal(seam_create(heap39_file, hook, false), SGX_ERROR_INVALID_SIGNATURE,
                        SGX_INVALID_MEASUREMENT, "SGX_INVALID_MEASUREMENT");
}

/* ------------------------------------------------------------------ more, fewer, elsewhere */

static int fortieth_page(int fd, unsigned long request, void *argument)
{
    struct sgx_enclave_add_pages *run = argument;
    int r = seam_pass(fd, request, argument);

    if (request == SGX_IOC_ENCLAVE_ADD_PAGES && is_heap(run) && r == 0) {
        cr_assert_eq(pages_of(run), 39);
        cr_assert_eq(add_part(fd, run, 39, 1, RW, 0), 0, "the driver itself does not mind");
    }
    return r;
}

Test(load, forty_pages_of_heap_where_the_author_signed_thirty_nine_are_refused)
{
    expect_other_measurement(fortieth_page);
}

static int thirty_eight_pages(int fd, unsigned long request, void *argument)
{
    struct sgx_enclave_add_pages *run = argument;

    if (request == SGX_IOC_ENCLAVE_ADD_PAGES && is_heap(run))
        return done(run, add_part(fd, run, 0, 38, RW, 0));
    return seam_pass(fd, request, argument);
}

Test(load, thirty_eight_pages_of_heap_are_refused)
{
    expect_other_measurement(thirty_eight_pages);
}

static int heap_elsewhere(int fd, unsigned long request, void *argument)
{
    struct sgx_enclave_add_pages *run = argument, moved;

    if (request != SGX_IOC_ENCLAVE_ADD_PAGES || !is_heap(run))
        return seam_pass(fd, request, argument);
    moved = *run;
    moved.offset += PAGE;
    return done(run, seam_pass(fd, request, &moved));
}

Test(load, a_heap_one_page_further_on_is_refused)
{
    expect_other_measurement(heap_elsewhere);
}

static int stray_page(int fd, unsigned long request, void *argument)
{
    static uint8_t code[PAGE] __attribute__((aligned(4096)));
    struct sgx_enclave_add_pages stray = {
        .src = (uintptr_t)code,
        .offset = layout_region(&seam_layout, "jit")->offset,
    };

    if (request == SGX_IOC_ENCLAVE_INIT)
        cr_assert_eq(add_part(fd, &stray, 0, 1, RX, 0), 0);
    return seam_pass(fd, request, argument);
}

Test(load, a_page_of_code_slipped_into_a_region_that_begins_empty_is_refused)
{
    expect_other_measurement(stray_page);
}

/* ------------------------------------------------------------------ permissions */

static uint64_t widen_from, widen_to;
static unsigned widened;

/* The first page of the first run with those permissions. */
static int widen(int fd, unsigned long request, void *argument)
{
    struct sgx_enclave_add_pages *run = argument;
    int r;

    if (request != SGX_IOC_ENCLAVE_ADD_PAGES || widened || secinfo_of(run)->flags != widen_from)
        return seam_pass(fd, request, argument);
    widened++;
    r = add_part(fd, run, 0, 1, widen_to, run->flags);
    if (r == 0)
        r = add_part(fd, run, 1, pages_of(run) - 1, widen_from, run->flags);
    return done(run, r);
}

static void expect_widening_refused(uint64_t from, uint64_t to)
{
    widen_from = from;
    widen_to = to;
    widened = 0;
    expect_other_measurement(widen);
    cr_assert_eq(widened, 1, "there is such a page");
}

Test(load, a_read_only_page_added_as_writable_is_refused)
{
    expect_widening_refused(R, RW);
}

Test(load, a_read_only_page_added_as_executable_is_refused)
{
    expect_widening_refused(R, RX);
}

Test(load, a_page_of_code_added_as_writable_is_refused)
{
    expect_widening_refused(RX, RX | SGX_SECINFO_W);
}

Test(load, a_page_of_data_added_as_executable_is_refused)
{
    expect_widening_refused(RW, RW | SGX_SECINFO_X);
}

Test(load, a_page_of_code_added_without_its_permission_is_refused)
{
    expect_widening_refused(RX, R);
}

/* ------------------------------------------------------------------ content and measurement */

static uint64_t flip_secinfo;
static unsigned flipped;

/* One bit in the middle of the last page of the first run with that SECINFO. */
static int flip(int fd, unsigned long request, void *argument)
{
    static uint8_t copy[PAGE] __attribute__((aligned(4096)));
    struct sgx_enclave_add_pages *run = argument, other;
    uint64_t last;
    int r;

    if (request != SGX_IOC_ENCLAVE_ADD_PAGES || flipped || secinfo_of(run)->flags != flip_secinfo ||
        !(run->flags & SGX_PAGE_MEASURE))
        return seam_pass(fd, request, argument);
    flipped++;
    last = pages_of(run) - 1;
    memcpy(copy, (const void *)(uintptr_t)(run->src + last * PAGE), PAGE);
    copy[24] ^= 0x10; /* in a TCS: CSSA's neighbourhood, below OENTRY */
    copy[2048] ^= 0x10;
    if (flip_secinfo == SGX_SECINFO_TCS)
        copy[2048] ^= 0x10, copy[24] ^= 0x10, copy[33] ^= 0x10; /* OENTRY */
    r = add_part(fd, run, 0, last, flip_secinfo, run->flags);
    other = *run;
    other.src = (uintptr_t)copy;
    other.offset += last * PAGE;
    if (r == 0)
        r = add_part(fd, &other, 0, 1, flip_secinfo, run->flags);
    return done(run, r);
}

static void expect_flip_refused(uint64_t secinfo)
{
    flip_secinfo = secinfo;
    flipped = 0;
    expect_other_measurement(flip);
    cr_assert_eq(flipped, 1);
}

Test(load, a_bit_flipped_in_constant_data_is_refused)
{
    expect_flip_refused(R);
}

Test(load, a_bit_flipped_in_code_is_refused)
{
    expect_flip_refused(RX);
}

Test(load, a_bit_flipped_in_data_or_zeroes_is_refused)
{
    expect_flip_refused(RW);
}

Test(load, a_thread_slot_with_another_entry_point_is_refused)
{
    expect_flip_refused(SGX_SECINFO_TCS);
}

static int measure_the_heap(int fd, unsigned long request, void *argument)
{
    struct sgx_enclave_add_pages *run = argument;

    if (request == SGX_IOC_ENCLAVE_ADD_PAGES && is_heap(run)) {
        cr_assert_not(run->flags & SGX_PAGE_MEASURE);
        run->flags |= SGX_PAGE_MEASURE;
    }
    return seam_pass(fd, request, argument);
}

Test(load, an_unmeasured_page_claimed_as_measured_is_refused)
{
    expect_other_measurement(measure_the_heap);
}

static int leave_code_unmeasured(int fd, unsigned long request, void *argument)
{
    struct sgx_enclave_add_pages *run = argument;

    if (request == SGX_IOC_ENCLAVE_ADD_PAGES && secinfo_of(run)->flags == RX)
        run->flags &= ~(uint64_t)SGX_PAGE_MEASURE;
    return seam_pass(fd, request, argument);
}

Test(load, a_measured_page_added_unmeasured_is_refused)
{
    expect_other_measurement(leave_code_unmeasured);
}

/* Two pages of one run change places in time, not in space. */
static int second_page_first(int fd, unsigned long request, void *argument)
{
    struct sgx_enclave_add_pages *run = argument;
    uint64_t secinfo;
    int r;

    if (request != SGX_IOC_ENCLAVE_ADD_PAGES || pages_of(run) < 2 || flipped)
        return seam_pass(fd, request, argument);
    flipped++;
    secinfo = secinfo_of(run)->flags;
    r = add_part(fd, run, 1, 1, secinfo, run->flags);
    if (r == 0)
        r = add_part(fd, run, 0, 1, secinfo, run->flags);
    if (r == 0)
        r = add_part(fd, run, 2, pages_of(run) - 2, secinfo, run->flags);
    return done(run, r);
}

Test(load, pages_added_in_another_order_are_refused)
{
    expect_other_measurement(second_page_first);
    cr_assert_eq(flipped, 1);
}
