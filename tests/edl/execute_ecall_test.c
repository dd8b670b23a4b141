/* SPDX-License-Identifier: Apache-2.0 */
/* execute_ecall_test.c - every ecall of every.edl, called as its author means it */
#include "every_u.c"
#include "execute.h"

static void *host_copy(const void *data, size_t size)
{
    return memcpy(host_alloc(size), data, size);
}

/* What the function saw is a copy: not the host's memory, but its bytes. */
static void assert_saw_copy(unsigned which, const void *host, const void *bytes, size_t size)
{
    cr_assert_eq(seen.size[which], size);
    cr_assert_neq(seen.pointer[which], (void *)host);
    cr_assert_not(sgx_is_outside_enclave(seen.pointer[which], size));
    cr_assert_eq(memcmp(seen.bytes[which], bytes, size), 0);
}

static void assert_clean(void)
{
    cr_assert_eq(harness.live_mallocs, 0);
    cr_assert(reads_are_single());
}

Test(execute_ecall, function_without_arguments_runs)
{
    SUCCEEDS(e_nothing(1));
    cr_assert_eq(seen.calls, 1);
}

Test(execute_ecall, values_of_every_type_arrive_and_the_result_returns)
{
    union number h = {.raw = {0, 99}};
    record_t i = {.tag = 't', .value = -5};
    int result = 0;

    SUCCEEDS(e_values(1, &result, 'a', 65535, -7, 1.25f, 2.5, L'z', GREEN, h, i, UINT64_MAX));
    cr_assert_eq(result, ANSWER);
    const long expected[] = {'a', 65535, -7, 5, 10, L'z', GREEN, 99, -5, -1};
    for (size_t k = 0; k < 10; k++)
        cr_assert_eq(seen.value[k], expected[k], "value %zu", k);
}

Test(execute_ecall, structure_passed_and_returned_by_value)
{
    struct padded p = {.c = 'c', .l = 40}, result;

    SUCCEEDS(e_struct(1, &result, p, 2.0L));
    cr_assert_eq(result.l, 42);
    cr_assert_eq(result.c, 'c');
}

Test(execute_ecall, result_that_nobody_wants_is_dropped)
{
    int five = 5, *p = host_copy(&five, sizeof five);

    SUCCEEDS(e_in(1, NULL, p));
    cr_assert_eq(seen.calls, 1);
}

Test(execute_ecall, in_copies_and_changes_nothing_outside)
{
    int five = 5, result, *p = host_copy(&five, sizeof five);

    SUCCEEDS(e_in(1, &result, p));
    assert_saw_copy(0, p, &five, sizeof five);
    cr_assert_eq(*p, 5);
    cr_assert_eq(result, ANSWER);
    assert_clean();
}

Test(execute_ecall, out_begins_with_zeroes_and_is_written_back)
{
    int five = 5, zero = 0, result, *p = host_copy(&five, sizeof five);

    SUCCEEDS(e_out(1, &result, p));
    assert_saw_copy(0, p, &zero, sizeof zero);
    cr_assert(is_filled(p, sizeof *p));
    assert_clean();
}

Test(execute_ecall, in_out_copies_both_ways)
{
    int five = 5, result, *p = host_copy(&five, sizeof five);

    SUCCEEDS(e_inout(1, &result, p));
    assert_saw_copy(0, p, &five, sizeof five);
    cr_assert(is_filled(p, sizeof *p));
    assert_clean();
}

Test(execute_ecall, user_check_passes_any_pointer_as_it_is)
{
    size_t result;

    SUCCEEDS(e_user_check(1, &result, enclave_address()));
    cr_assert_eq(result, (size_t)enclave_address());
    cr_assert_eq(seen.pointer[0], enclave_address());
}

Test(execute_ecall, size_counts_bytes)
{
    int result;
    unsigned char *p = host_copy("0123456789", 10);

    SUCCEEDS(e_in_size(1, &result, p, 7));
    assert_saw_copy(0, p, "0123456", 7);
    forget_seen();
    SUCCEEDS(e_out_size(1, &result, p, 3));
    cr_assert(is_filled(p, 3));
    cr_assert_eq((char)p[3], '3');
    forget_seen();
    SUCCEEDS(e_inout_size(1, &result, p + 3, 7));
    assert_saw_copy(0, p + 3, "3456789", 7);
    cr_assert(is_filled(p + 3, 7));
    assert_clean();
}

Test(execute_ecall, count_counts_elements)
{
    int numbers[] = {1, 2, 3, 4}, result, *p = host_copy(numbers, sizeof numbers);
    long *q = host_alloc(3 * sizeof *q);

    SUCCEEDS(e_in_count(1, &result, p, 3));
    assert_saw_copy(0, p, numbers, 12);
    SUCCEEDS(e_out_count(1, &result, q, 2));
    cr_assert(is_filled(q, 2 * sizeof *q));
    cr_assert_eq(q[2], 0);
    assert_clean();
}

Test(execute_ecall, size_times_count_counts_both)
{
    int result;
    char *p = host_copy("abcdefgh", 8);

    SUCCEEDS(e_size_count(1, &result, p, 2, 3));
    assert_saw_copy(0, p, "abcdef", 6);
    cr_assert(is_filled(p, 6));
    cr_assert_eq(p[6], 'g');
}

Test(execute_ecall, constant_sizes_and_counts)
{
    int result, *p = host_alloc(16);
    uint16_t *q = host_alloc(8);

    SUCCEEDS(e_constant_size(1, &result, p));
    cr_assert(is_filled(p, 12));
    cr_assert_eq(p[3], 0);
    SUCCEEDS(e_constant_count(1, &result, q));
    cr_assert(is_filled(q, 6));
    cr_assert_eq(q[3], 0);
}

Test(execute_ecall, sizes_of_foreign_and_enum_types)
{
    int result;
    char *p = host_copy("xyz", 3);

    SUCCEEDS(e_length_t(1, &result, p, 2));
    assert_saw_copy(0, p, "xy", 2);
    SUCCEEDS(e_enum_count(1, &result, p, BIG));
    assert_saw_copy(1, p, "x", 1);
}

Test(execute_ecall, two_pointers_that_share_a_size)
{
    int result;
    char *a = host_copy("abc", 3), *b = host_alloc(3);

    SUCCEEDS(e_two(1, &result, a, b, 3));
    assert_saw_copy(0, a, "abc", 3);
    cr_assert(is_filled(b, 3));
}

Test(execute_ecall, null_stays_null_in_every_direction)
{
    int result = 0;
    size_t size = 1;

    SUCCEEDS(e_in_size(1, &result, NULL, 100));
    SUCCEEDS(e_out_size(1, &result, NULL, 100));
    SUCCEEDS(e_inout_size(1, &result, NULL, 100));
    for (int i = 0; i < 3; i++)
        cr_assert_null(seen.pointer[i]);
    forget_seen();
    SUCCEEDS(e_string(1, &size, NULL));
    SUCCEEDS(e_wstring(1, &size, NULL));
    SUCCEEDS(e_inout_string(1, &size, NULL));
    cr_assert_eq(size, 0);
    for (int i = 0; i < 3; i++)
        cr_assert_null(seen.pointer[i]);
    forget_seen();
    SUCCEEDS(e_isary_matrix(1, &result, NULL));
    cr_assert_null(seen.pointer[0]);
    SUCCEEDS(e_deep_inout(1, &result, NULL));
    assert_clean();
}

Test(execute_ecall, memory_of_no_bytes_arrives_as_null)
{
    int result;
    char *p = host_copy("abc", 3);

    SUCCEEDS(e_inout_size(1, &result, p, 0));
    cr_assert_null(seen.pointer[0]);
    cr_assert_eq(memcmp(p, "abc", 3), 0);
    assert_clean();
}

Test(execute_ecall, string_arrives_with_its_end)
{
    size_t result;
    char *s = host_copy("hello", 6);

    SUCCEEDS(e_string(1, &result, s));
    cr_assert_eq(result, 5);
    assert_saw_copy(0, s, "hello", 6);
    assert_clean();
}

Test(execute_ecall, empty_string_is_a_string)
{
    size_t result = 1;
    char *s = host_copy("", 1);

    SUCCEEDS(e_string(1, &result, s));
    cr_assert_eq(result, 0);
    assert_saw_copy(0, s, "", 1);
}

Test(execute_ecall, string_may_come_back_shorter)
{
    size_t result;
    char *s = host_copy("hello", 6);

    SUCCEEDS(e_inout_string(1, &result, s));
    cr_assert_str_eq(s, "ok");
    cr_assert_eq(s[4], 'o'); /* what lay behind is not touched */
    assert_clean();
}

Test(execute_ecall, string_without_end_gets_one_on_its_way_out)
{
    size_t result;
    char *s = host_copy("abc|", 5);

    s[3] = '\0';
    SUCCEEDS(e_inout_string(1, &result, s));
    cr_assert_str_eq(s, "xxx");
}

Test(execute_ecall, wide_strings)
{
    size_t result;
    wchar_t *s = host_copy(L"wide", 5 * sizeof(wchar_t));

    SUCCEEDS(e_wstring(1, &result, s));
    cr_assert_eq(result, 4);
    assert_saw_copy(0, s, L"wide", 5 * sizeof(wchar_t));
    SUCCEEDS(e_inout_wstring(1, &result, s));
    cr_assert_wcs_eq(s, L"yyyy");
    assert_clean();
}

Test(execute_ecall, parameter_named_like_a_strings_length)
{
    int result;
    char *s = host_copy("abc", 4);

    SUCCEEDS(e_string_len(1, &result, s, 1234));
    cr_assert_eq(seen.value[0], 1234);
    assert_saw_copy(0, s, "abc", 4);
}

Test(execute_ecall, arrays_of_one_and_more_dimensions)
{
    int numbers[6] = {1, 2, 3, 4, 5, 6}, result, *p = host_copy(numbers, sizeof numbers);
    int(*matrix)[3] = host_copy(numbers, sizeof numbers);

    SUCCEEDS(e_array(1, &result, p));
    assert_saw_copy(0, p, numbers, 16);
    cr_assert(is_filled(p, 16));
    cr_assert_eq(p[4], 5);
    SUCCEEDS(e_matrix(1, &result, matrix));
    assert_saw_copy(1, matrix, numbers, sizeof numbers);
    cr_assert(is_filled(matrix, sizeof numbers));
    SUCCEEDS(e_user_check_matrix(1, &result, matrix));
    cr_assert_eq(seen.pointer[0], (void *)matrix);
    assert_clean();
}

Test(execute_ecall, arrays_of_foreign_structures)
{
    record_t records[2] = {{.tag = 'a'}, {.value = 77}}, *p = host_copy(records, sizeof records);
    int result;

    SUCCEEDS(e_record_array(1, &result, p));
    cr_assert_eq(seen.value[0], 77);
}

Test(execute_ecall, foreign_pointers)
{
    int numbers[2] = {8, 9}, result, *p = host_copy(numbers, sizeof numbers);

    SUCCEEDS(e_isptr(1, &result, p, 2));
    assert_saw_copy(0, p, numbers, sizeof numbers);
    SUCCEEDS(e_isptr_out(1, &result, p));
    cr_assert(is_filled(p, sizeof *p));
    SUCCEEDS(e_isptr_readonly(1, &result, (bytes_t)(p + 1), 4));
    assert_saw_copy(2, p + 1, &numbers[1], 4);
    assert_clean();
}

Test(execute_ecall, foreign_arrays)
{
    short numbers[4] = {1, 2, 3, 4}, *p = host_copy(numbers, sizeof numbers);
    unsigned char bytes[2][3] = {{0, 1, 2}, {3, 4, 5}}, (*q)[3] = host_copy(bytes, sizeof bytes);
    int result;

    SUCCEEDS(e_isary(1, &result, p));
    assert_saw_copy(0, p, numbers, sizeof numbers);
    cr_assert(is_filled(p, sizeof numbers));
    SUCCEEDS(e_isary_matrix(1, &result, q));
    cr_assert_eq(seen.value[0], 5);
    SUCCEEDS(e_isary_user_check(1, &result, p));
    cr_assert_eq(seen.pointer[0], (void *)p);
    assert_clean();
}

Test(execute_ecall, pointers_to_pointers_are_copied_as_numbers)
{
    int result, **p = host_alloc(2 * sizeof *p);

    p[1] = enclave_address();
    SUCCEEDS(e_pointers(1, &result, p));
    cr_assert_eq(((void **)seen.bytes[0])[1], enclave_address());
}

Test(execute_ecall, structure_behind_a_pointer)
{
    struct padded *p = host_alloc(sizeof *p);
    int result;

    p->l = 6;
    SUCCEEDS(e_struct_pointer(1, &result, p));
    cr_assert_eq(p->l, 7);
}

Test(execute_ecall, functions_of_imported_files)
{
    struct shared *s = host_alloc(sizeof *s);

    SUCCEEDS(shared_ecall(1, s));
    cr_assert_eq(s->n, 1);
}

Test(execute_ecall, calls_that_may_use_worker_threads)
{
    int result;

    SUCCEEDS(e_switchless(1, &result, 4));
    cr_assert_eq(result, 5);
}

/* ------------------------------------------------------------------ who may call what */

static sgx_status_t nested;

static void call_private(void)
{
    char *s = host_alloc(4);

    memcpy(s, "abc", 4);
    nested = e_private(1, NULL, s);
}

static void call_public(void)
{
    nested = e_nothing(1);
}

Test(execute_ecall, private_ecall_is_no_way_in)
{
    char *s = host_copy("abc", 4);

    COMES_TO(SGX_ERROR_ECALL_NOT_ALLOWED, e_private(1, NULL, s));
    assert_nothing_happened();
}

Test(execute_ecall, private_ecall_runs_where_an_ocall_allows_it)
{
    harness.inside = leave_enclave;
    on_nothing = call_private;
    SUCCEEDS(e_run(1, NULL, 0));
    SUCCEEDS(nested);
    cr_assert_eq(seen.calls, 2);
}

Test(execute_ecall, public_ecall_is_refused_in_an_ocall_that_does_not_allow_it)
{
    harness.inside = leave_enclave;
    on_nothing = call_public;
    SUCCEEDS(e_run(1, NULL, 0));
    COMES_TO(SGX_ERROR_ECALL_NOT_ALLOWED, nested);
}

Test(execute_ecall, index_beyond_the_table_is_refused)
{
    COMES_TO(SGX_ERROR_INVALID_FUNCTION, sgx_ecall(1, 1000, &ocall_table_every, NULL));
    COMES_TO(SGX_ERROR_INVALID_FUNCTION, sgx_ecall(1, -1, &ocall_table_every, NULL));
}
