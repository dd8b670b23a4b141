/* SPDX-License-Identifier: Apache-2.0 */
/* execute_ocall_test.c - every ocall of every.edl, called as its author means it */
#include <errno.h>
#undef errno
#define errno trusted_errno /* the host's is another */
static int trusted_errno;

#include "every_t.c"
#include "execute.h"

static int result;

/* The host saw a copy in its own memory. */
static void assert_host_saw(unsigned which, const void *trusted, const void *bytes, size_t size)
{
    cr_assert_eq(seen.size[which], size);
    cr_assert_neq(seen.pointer[which], (void *)trusted);
    cr_assert(sgx_is_outside_enclave(seen.pointer[which], size));
    cr_assert_eq(memcmp(seen.bytes[which], bytes, size), 0);
}

TEST_INSIDE(execute_ocall, function_without_arguments_runs)
{
    SUCCEEDS(o_nothing());
    cr_assert_eq(seen.calls, 1);
    DONE();
}

TEST_INSIDE(execute_ocall, values_arrive_and_the_result_returns)
{
    union number c = {.raw = {0, 9}};
    struct padded d = {.l = -3};
    record_t e = {.value = 12};
    const long expected[] = {'q', GREEN, 9, -3, 12, 10};

    SUCCEEDS(o_values(&result, 'q', GREEN, c, d, e, 2.5));
    cr_assert_eq(result, ANSWER);
    for (size_t i = 0; i < 6; i++)
        cr_assert_eq(seen.value[i], expected[i], "value %zu", i);
    SUCCEEDS(o_values(NULL, 'q', GREEN, c, d, e, 2.5));
    DONE();
}

TEST_INSIDE(execute_ocall, structures_and_outside_pointers_return)
{
    struct padded answer;
    void *p;

    SUCCEEDS(o_struct_result(&answer, 17));
    cr_assert_eq(answer.l, 17);
    pointer_result = host_just_above();
    SUCCEEDS(o_pointer_result(&p, NULL));
    cr_assert_eq(p, pointer_result);
    pointer_result = NULL;
    SUCCEEDS(o_pointer_result(&p, NULL));
    cr_assert_null(p);
    DONE();
}

TEST_INSIDE(execute_ocall, in_copies_out_of_the_enclave)
{
    int five = 5;

    SUCCEEDS(o_in(&result, &five));
    assert_host_saw(0, &five, &five, sizeof five);
    SUCCEEDS(o_in_size(&result, "0123456", 7));
    assert_host_saw(1, NULL, "0123456", 7);
    DONE();
}

TEST_INSIDE(execute_ocall, out_shows_the_host_zeroes_and_brings_back_what_it_wrote)
{
    int five = 5, zero = 0;
    char bytes[8] = "1234567";

    SUCCEEDS(o_out(&result, &five));
    assert_host_saw(0, &five, &zero, sizeof zero);
    cr_assert(is_filled(&five, sizeof five));
    SUCCEEDS(o_out_size(&result, bytes, 3));
    assert_host_saw(1, bytes, &zero, 3);
    cr_assert(is_filled(bytes, 3));
    cr_assert_str_eq(bytes + 3, "4567");
    DONE();
}

TEST_INSIDE(execute_ocall, in_out_copies_both_ways)
{
    int five = 5, copy = 5;
    long numbers[] = {1, 2, 3}, before[] = {1, 2, 3};
    char bytes[] = "abcdefg";

    SUCCEEDS(o_inout(&result, &five));
    assert_host_saw(0, &five, &copy, sizeof copy);
    cr_assert(is_filled(&five, sizeof five));
    SUCCEEDS(o_inout_count(&result, numbers, 2));
    assert_host_saw(1, numbers, before, 2 * sizeof *numbers);
    cr_assert(is_filled(numbers, 2 * sizeof *numbers));
    cr_assert_eq(numbers[2], 3);
    SUCCEEDS(o_size_count(&result, bytes, 2, 3));
    cr_assert(is_filled(bytes, 6));
    cr_assert_eq(bytes[6], 'g');
    DONE();
}

TEST_INSIDE(execute_ocall, two_pointers_lie_apart_and_aligned)
{
    char a[5] = "abcd", b[5];

    SUCCEEDS(o_two(&result, a, b, 5));
    assert_host_saw(0, a, "abcd", 5);
    cr_assert(is_filled(b, 5));
    cr_assert_eq((uintptr_t)seen.pointer[0] % 16, 0);
    cr_assert_eq((uintptr_t)seen.pointer[1] % 16, 0);
    cr_assert_geq((uintptr_t)seen.pointer[1] - (uintptr_t)seen.pointer[0], 5);
    DONE();
}

TEST_INSIDE(execute_ocall, user_check_passes_any_pointer_as_it_is)
{
    int matrix[2][3];

    SUCCEEDS(o_user_check(&result, &result));
    cr_assert_eq(seen.pointer[0], &result);
    SUCCEEDS(o_user_check_matrix(&result, matrix));
    cr_assert_eq(seen.pointer[0], (void *)matrix);
    DONE();
}

TEST_INSIDE(execute_ocall, null_and_memory_of_no_bytes_are_null_outside)
{
    char byte = 'b';
    size_t size = 1;

    SUCCEEDS(o_in_size(&result, NULL, 10));
    SUCCEEDS(o_out_size(&result, NULL, 10));
    SUCCEEDS(o_in_size(&result, &byte, 0));
    for (int i = 0; i < 3; i++)
        cr_assert_null(seen.pointer[i]);
    forget_seen();
    SUCCEEDS(o_string(&size, NULL));
    cr_assert_eq(size, 0);
    SUCCEEDS(o_inout_string(&size, NULL));
    SUCCEEDS(o_wstring(&size, NULL));
    for (int i = 0; i < 3; i++)
        cr_assert_null(seen.pointer[i]);
    SUCCEEDS(o_deep_inout(&result, NULL));
    DONE();
}

TEST_INSIDE(execute_ocall, strings)
{
    wchar_t wide[] = L"wide";
    char text[] = "hello";
    size_t size;

    SUCCEEDS(o_string(&size, text));
    cr_assert_eq(size, 5);
    assert_host_saw(0, text, "hello", 6);
    SUCCEEDS(o_wstring(&size, wide));
    cr_assert_eq(size, 4);
    assert_host_saw(1, wide, L"wide", sizeof wide);
    DONE();
}

TEST_INSIDE(execute_ocall, string_that_comes_back_without_end_gets_one)
{
    wchar_t wide[] = L"wide";
    char text[] = "hello";
    size_t size;

    SUCCEEDS(o_inout_string(&size, text));
    cr_assert_str_eq(text, "xxxxx");
    SUCCEEDS(o_inout_wstring(&size, wide));
    cr_assert_wcs_eq(wide, L"yyyy");
    DONE();
}

TEST_INSIDE(execute_ocall, arrays_and_foreign_types)
{
    int array[4] = {1, 2, 3, 4}, matrix[2][3] = {{1}};
    short quartet[4] = {1, 2, 3, 4};
    unsigned char bytes[] = {7, 8, 9};

    SUCCEEDS(o_array(&result, array));
    cr_assert(is_filled(array, sizeof array));
    SUCCEEDS(o_matrix(&result, matrix));
    cr_assert(is_filled(matrix, sizeof matrix));
    SUCCEEDS(o_isptr(&result, array, 3));
    cr_assert(is_filled(array, 12));
    forget_seen();
    SUCCEEDS(o_isptr_readonly(&result, bytes, 3));
    assert_host_saw(0, bytes, bytes, 3);
    SUCCEEDS(o_isary(&result, quartet));
    cr_assert(is_filled(quartet, sizeof quartet));
    SUCCEEDS(o_isary_user_check(&result, quartet));
    cr_assert_eq(seen.pointer[0], (void *)quartet);
    DONE();
}

TEST_INSIDE(execute_ocall, errno_comes_along_where_it_is_asked_for)
{
    errno = 0;
    SUCCEEDS(o_errno(&result, ENOENT));
    cr_assert_eq(errno, ENOENT);
    SUCCEEDS(o_errno_only());
    cr_assert_eq(errno, ENOTTY);
    SUCCEEDS(o_switchless(&result, "abc"));
    cr_assert_eq(errno, 0);
    DONE();
}

TEST_INSIDE(execute_ocall, functions_of_imported_files)
{
    struct shared s = {.n = 5};

    SUCCEEDS(shared_ocall(&s));
    cr_assert_eq(seen.value[0], 5);
    DONE();
}

TEST_INSIDE(execute_ocall, failed_ocall_changes_nothing_inside)
{
    int five = 5, *p = &five;
    char text[] = "hello";
    size_t size = 99;

    result = 1;
    harness.ocall_status = SGX_ERROR_UNEXPECTED;
    COMES_TO(SGX_ERROR_UNEXPECTED, o_inout(&result, p));
    COMES_TO(SGX_ERROR_UNEXPECTED, o_inout_string(&size, text));
    errno = EDOM;
    COMES_TO(SGX_ERROR_UNEXPECTED, o_errno(&result, ENOENT));
    cr_assert_eq(five, 5);
    cr_assert_eq(result, 1);
    cr_assert_eq(size, 99);
    cr_assert_str_eq(text, "hello");
    cr_assert_eq(errno, EDOM);
    DONE();
}
