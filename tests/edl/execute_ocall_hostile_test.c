/* SPDX-License-Identifier: Apache-2.0 */
/* execute_ocall_hostile_test.c - a host that answers lies, and memory that is not what it should be
 */
#include <errno.h>
#undef errno
#define errno trusted_errno /* the host's is another */
static int trusted_errno;

#include "every_t.c"
#include "execute.h"

static int result;

/* ------------------------------------------------------------------ mistakes of the enclave's own
 */

TEST_INSIDE(execute_ocall_hostile, outside_pointer_is_not_sent_as_trusted)
{
    size_t size;

    REFUSED(o_out_size(&result, host_just_above(), 8));
    REFUSED(o_inout(&result, host_just_above()));
    REFUSED(o_in_size(&result, (char *)enclave_address(), ENCLAVE_PART));
    REFUSED(o_in_size(&result, (char *)enclave_address(), SIZE_MAX));
    harness_open(); /* where strlen() looks, the check comes after */
    strcpy(host_just_above(), "abc");
    REFUSED(o_string(&size, host_just_above()));
    cr_assert_eq(seen.calls, 0);
    DONE();
}

TEST_INSIDE(execute_ocall_hostile, sizes_that_overflow_are_refused)
{
    long numbers[2];
    char bytes[2];

    REFUSED(o_inout_count(&result, numbers, -1));
    REFUSED(o_size_count(&result, bytes, (size_t)1 << 33, (size_t)1 << 33));
    REFUSED(o_in_size(&result, bytes, SIZE_MAX - 4));
    cr_assert_eq(seen.calls, 0);
    DONE();
}

Test(execute_ocall_hostile, memory_that_no_address_space_holds_is_not_set_aside)
{
    size_t total = 64, place;

    cr_assert_eq(ap_edl_place(&total, 1, &place), 0);
    cr_assert_eq(place, 64);
    cr_assert_eq(total, 80);
    cr_assert_neq(ap_edl_place(&total, SIZE_MAX - 3, &place), 0);
    total = 64;
    cr_assert_neq(ap_edl_place(&total, SIZE_MAX - 31, &place), 0);
}

/* ------------------------------------------------------------------ memory for the call */

static void *given;

static void *give(size_t size)
{
    (void)size;
    return given;
}

TEST_INSIDE(execute_ocall_hostile, no_memory_for_the_call_is_an_error)
{
    static char much[HOST_PART];
    int five = 5;

    COMES_TO(SGX_ERROR_UNEXPECTED, o_in_size(&result, much, sizeof much));
    harness.ocalloc = give;
    given = NULL;
    COMES_TO(SGX_ERROR_UNEXPECTED, o_in(&result, &five));
    cr_assert_eq(seen.calls, 0);
    cr_assert_eq(harness.ocalloc_depth, 0);
    DONE();
}

TEST_INSIDE(execute_ocall_hostile, memory_inside_is_not_written_to)
{
    int five = 5;

    harness.ocalloc = give;
    given = enclave_address();
    forget_accesses();
    COMES_TO(SGX_ERROR_HOST, o_in(&result, &five));
    given = host_just_below(16);
    COMES_TO(SGX_ERROR_HOST, o_in(&result, &five));
    given = &five;
    COMES_TO(SGX_ERROR_HOST, o_in(&result, &five));
    cr_assert_eq(harness.accesses, 0);
    cr_assert_eq(seen.calls, 0);
    DONE();
}

TEST_INSIDE(execute_ocall_hostile, memory_that_is_not_aligned_is_refused)
{
    int five = 5;

    harness.ocalloc = give;
    given = (char *)host_just_above() + 8;
    COMES_TO(SGX_ERROR_HOST, o_in(&result, &five));
    DONE();
}

/* ------------------------------------------------------------------ what comes back */

TEST_INSIDE(execute_ocall_hostile, returned_pointer_into_the_enclave_is_refused)
{
    void *p = &p;
    const char *text = "as before";

    pointer_result = enclave_address();
    COMES_TO(SGX_ERROR_HOST, o_pointer_result(&p, NULL));
    COMES_TO(SGX_ERROR_HOST, o_text_result(&text, 1));
    pointer_result = &p;
    COMES_TO(SGX_ERROR_HOST, o_pointer_result(&p, NULL));
    cr_assert_eq(p, &p);
    cr_assert_str_eq(text, "as before");
    DONE();
}

TEST_INSIDE(execute_ocall_hostile, errno_that_is_none_is_refused)
{
    errno = EDOM;
    result = 1;
    errno_result = 4096;
    COMES_TO(SGX_ERROR_HOST, o_errno(&result, 0));
    errno_result = -1;
    COMES_TO(SGX_ERROR_HOST, o_errno(&result, 0));
    cr_assert_eq(errno, EDOM);
    cr_assert_eq(result, 1);
    errno_result = 4095;
    SUCCEEDS(o_errno(&result, 0));
    cr_assert_eq(errno, 4095);
    DONE();
}

/* The structure's own pointers are for the host to read, never for us. */
static void spoil(size_t nth, const struct access *access)
{
    (void)nth;
    if (access->out && access->size == sizeof(ms_o_inout_t))
        ((ms_o_inout_t *)access->at)->ms_p = enclave_address();
}

TEST_INSIDE(execute_ocall_hostile, pointer_changed_in_the_structure_is_not_followed)
{
    int five = 5;

    harness.skip_ocalls = true;
    harness.meddle = spoil;
    SUCCEEDS(o_inout(&result, &five));
    cr_assert_eq(five, 5); /* nobody ran, so what went out came back */
    DONE();
}

/* Everything outside changes whenever we look. */
static void scribble(size_t nth, const struct access *access)
{
    memset((void *)access->at, (int)nth, access->size);
}

TEST_INSIDE(execute_ocall_hostile, each_answer_is_read_once)
{
    char bytes[16] = {0};

    harness.meddle = scribble;
    harness.skip_ocalls = true;
    forget_accesses();
    SUCCEEDS(o_inout_count(&result, (long *)(void *)bytes, 2));
    cr_assert(reads_are_single());
    cr_assert_eq(harness.accesses, 4); /* out: numbers, ms; in: ms, numbers */
    DONE();
}

TEST_INSIDE(execute_ocall_hostile, structures_gaps_stay_inside)
{
    ms_o_errno_t *ms;

    harness.ocalloc = give;
    given = host_just_above();
    SUCCEEDS(o_errno(&result, 1));
    harness_open();
    ms = given;
    cr_assert_eq(ms->ms_e, 1);
    for (size_t i = offsetof(ms_o_errno_t, ms_e) + sizeof(int); i < sizeof *ms; i++)
        cr_assert_eq(((unsigned char *)ms)[i], 0);
    harness_close();
    DONE();
}

#if defined(__GNUC__) && !defined(__clang__)
TEST_INSIDE(execute_ocall_hostile, gaps_of_structures_passed_by_value_stay_inside)
{
    union number c = {.i = 1};
    struct padded d;
    record_t e;
    unsigned char *out;

    memset(&d, 0x77, sizeof d);
    memset(&e, 0x77, sizeof e);
    harness.ocalloc = give;
    given = host_just_above();
    SUCCEEDS(o_values(&result, 'a', RED, c, d, e, 0.0));
    harness_open();
    out = (unsigned char *)given + offsetof(ms_o_values_t, ms_d);
    for (size_t i = 1; i < sizeof(long); i++)
        cr_assert_eq(out[i], 0);
    out = (unsigned char *)given + offsetof(ms_o_values_t, ms_e);
    for (size_t i = 1; i < sizeof(long); i++)
        cr_assert_eq(out[i], 0);
    harness_close();
    DONE();
}
#endif
