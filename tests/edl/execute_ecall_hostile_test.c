/* SPDX-License-Identifier: Apache-2.0 */
/* execute_ecall_hostile_test.c - a host that lies about pointers, sizes and strings, and meddles */
#include "every_u.c"
#include "execute.h"

static int result;

/* ------------------------------------------------------------------ pointers */

Test(execute_ecall_hostile, pointer_into_the_enclave_is_refused_in_every_direction)
{
    void *p = enclave_address();

    REFUSED(e_in(1, &result, p));
    REFUSED(e_out(1, &result, p));
    REFUSED(e_inout(1, &result, p));
    REFUSED(e_in_size(1, &result, p, 1));
    REFUSED(e_out_size(1, &result, p, 1));
    REFUSED(e_inout_size(1, &result, p, 1));
    REFUSED(e_constant_size(1, &result, p));
    REFUSED(e_array(1, &result, p));
    REFUSED(e_matrix(1, &result, p));
    REFUSED(e_isptr(1, &result, p, 1));
    REFUSED(e_isptr_readonly(1, &result, p, 1));
    REFUSED(e_isary(1, &result, p));
    REFUSED(e_struct_pointer(1, &result, p));
    REFUSED(e_record_array(1, &result, p));
    REFUSED(e_two(1, &result, host_alloc(1), p, 1));
    REFUSED(e_two(1, &result, p, host_alloc(1), 1));
    assert_nothing_happened();
}

Test(execute_ecall_hostile, memory_that_reaches_one_byte_into_the_enclave_is_refused)
{
    char *p = host_just_below(8);

    SUCCEEDS(e_in_size(1, &result, p, 8));
    forget_seen();
    forget_accesses();
    REFUSED(e_in_size(1, &result, p, 9));
    REFUSED(e_out_size(1, &result, p, 9));
    REFUSED(e_inout(1, &result, (int *)(p + 5)));
    assert_nothing_happened();
}

Test(execute_ecall_hostile, memory_that_begins_one_byte_inside_is_refused)
{
    char *p = host_just_above();

    SUCCEEDS(e_in_size(1, &result, p, 8));
    forget_seen();
    forget_accesses();
    REFUSED(e_in_size(1, &result, p - 1, 8));
    assert_nothing_happened();
}

Test(execute_ecall_hostile, memory_around_the_whole_enclave_is_refused)
{
    REFUSED(e_in_size(1, &result, host_just_below(16), ENCLAVE_PART + 32));
    assert_nothing_happened();
}

Test(execute_ecall_hostile, memory_that_wraps_the_address_space_is_refused)
{
    REFUSED(e_in_size(1, &result, host_alloc(16), SIZE_MAX));
    REFUSED(e_in_size(1, &result, (void *)(UINTPTR_MAX - 3), 8));
    REFUSED(e_out_size(1, &result, host_alloc(16), SIZE_MAX - 8));
    assert_nothing_happened();
}

Test(execute_ecall_hostile, inside_address_of_no_bytes_is_refused)
{
    REFUSED(e_in_size(1, &result, enclave_address(), 0));
    assert_nothing_happened();
}

/* ------------------------------------------------------------------ sizes */

Test(execute_ecall_hostile, negative_count_is_refused)
{
    REFUSED(e_in_count(1, &result, host_alloc(16), -1));
    REFUSED(e_in_count(1, &result, host_alloc(16), INT32_MIN));
    assert_nothing_happened();
}

Test(execute_ecall_hostile, count_whose_product_overflows_is_refused)
{
    /* 2^61 ints are 8 exbibytes plus nothing that 64 bits can tell from 0 */
    REFUSED(e_isptr(1, &result, host_alloc(16), (size_t)1 << 62));
    REFUSED(e_isptr(1, &result, host_alloc(16), ((size_t)1 << 62) + 1));
    REFUSED(e_size_count(1, &result, host_alloc(16), 0x80000000u, (uint64_t)1 << 33));
    REFUSED(e_size_count(1, &result, host_alloc(16), 2, ((uint64_t)1 << 63) + 1));
    assert_nothing_happened();
}

Test(execute_ecall_hostile, count_that_overflows_is_refused_behind_a_null_pointer_too)
{
    REFUSED(e_isptr(1, &result, NULL, (size_t)1 << 62));
    assert_nothing_happened();
}

Test(execute_ecall_hostile, size_that_cuts_an_element_is_refused)
{
    REFUSED(e_odd_size(1, &result, host_alloc(16), 6));
    SUCCEEDS(e_odd_size(1, &result, host_alloc(16), 8));
}

Test(execute_ecall_hostile, size_beyond_the_heap_is_an_error_and_leaves_nothing)
{
    harness.fail_malloc = 1;
    COMES_TO(SGX_ERROR_OUT_OF_MEMORY, e_in_size(1, &result, host_alloc(16), 16));
    assert_nothing_happened();
    harness.fail_malloc = 1;
    COMES_TO(SGX_ERROR_OUT_OF_MEMORY, e_out_size(1, &result, host_alloc(16), 16));
    assert_nothing_happened();
    harness.fail_malloc = 2;
    COMES_TO(SGX_ERROR_OUT_OF_MEMORY, e_two(1, &result, host_alloc(16), host_alloc(16), 16));
    assert_nothing_happened();
}

/* ------------------------------------------------------------------ the marshalling structure */

static void *ms_place;
static size_t ms_bytes;

static void *ms_elsewhere(void *ms)
{
    (void)ms;
    return ms_place;
}

Test(execute_ecall_hostile, marshalling_structure_inside_is_refused)
{
    harness.change_ms = ms_elsewhere;
    ms_place = enclave_address();
    REFUSED(e_in_size(1, &result, host_alloc(8), 8));
    assert_nothing_happened();
}

Test(execute_ecall_hostile, marshalling_structure_that_straddles_the_border_is_refused)
{
    harness.change_ms = ms_elsewhere;
    ms_place = host_just_below(sizeof(ms_e_in_size_t) - 1);
    REFUSED(e_in_size(1, &result, host_alloc(8), 8));
    ms_place = (char *)host_just_above() - 1;
    REFUSED(e_in_size(1, &result, host_alloc(8), 8));
    assert_nothing_happened();
}

Test(execute_ecall_hostile, missing_marshalling_structure_is_refused)
{
    harness.change_ms = ms_elsewhere;
    ms_place = NULL;
    REFUSED(e_in_size(1, &result, host_alloc(8), 8));
    assert_nothing_happened();
}

Test(execute_ecall_hostile, marshalling_structure_that_nobody_expects_is_refused)
{
    harness.change_ms = ms_elsewhere;
    ms_place = host_alloc(8);
    REFUSED(e_nothing(1));
    assert_nothing_happened();
}

static void *ms_into_arena(void *ms)
{
    ms_place = memcpy(host_alloc(ms_bytes), ms, ms_bytes);
    return ms_place;
}

Test(execute_ecall_hostile, unaligned_marshalling_structure_is_no_trouble)
{
    harness.change_ms = ms_elsewhere;
    ms_e_in_size_t ms = {.ms_p = host_alloc(8), .ms_n = 8};

    ms_place = memcpy((char *)host_alloc(sizeof ms + 1) + 1, &ms, sizeof ms);
    SUCCEEDS(e_in_size(1, NULL, NULL, 0));
    cr_assert_eq(seen.size[0], 8);
}

/* After every copy: all of the structure is lies. */
static void lie(size_t nth, const struct access *access)
{
    (void)nth;
    (void)access;
    memset(ms_place, 0xff, ms_bytes);
}

Test(execute_ecall_hostile, structure_changed_while_the_bridge_runs_makes_no_difference)
{
    char *p = host_alloc(32);

    memcpy(p, "0123456789", 10);
    ms_bytes = sizeof(ms_e_inout_size_t);
    harness.change_ms = ms_into_arena;
    harness.meddle = lie;
    SUCCEEDS(e_inout_size(1, NULL, p, 10));
    cr_assert_eq(seen.size[0], 10);
    cr_assert_eq(memcmp(seen.bytes[0], "0123456789", 10), 0);
    cr_assert(is_filled(p, 10));
    for (int i = 10; i < 32; i++)
        cr_assert_eq(p[i], 0);
    cr_assert(reads_are_single());
}

Test(execute_ecall_hostile, each_byte_outside_is_read_once)
{
    char *s = host_alloc(8), *a = host_alloc(8), *b = host_alloc(8);
    size_t size;

    memcpy(s, "abcdefg", 8);
    SUCCEEDS(e_string(1, &size, s));
    cr_assert(reads_are_single());
    forget_accesses();
    SUCCEEDS(e_two(1, &result, a, b, 8));
    cr_assert(reads_are_single());
    cr_assert_eq(harness.accesses, 4); /* ms, a; b, result */
}

Test(execute_ecall_hostile, result_goes_where_the_call_came_from)
{
    ms_bytes = sizeof(ms_e_in_t);
    harness.change_ms = ms_into_arena;
    SUCCEEDS(e_in(1, NULL, host_alloc(4)));
    cr_assert_eq(((ms_e_in_t *)ms_place)->ms_retval, ANSWER);
    cr_assert_eq(harness.access[2].size, sizeof(int));
    cr_assert(harness.access[2].out);
}

/* ------------------------------------------------------------------ strings */

static size_t lied_length;

static void *lie_about_length(void *ms)
{
    ((ms_e_string_t *)ms)->ms_s_len = lied_length;
    return ms;
}

static void *lie_about_wide_length(void *ms)
{
    ((ms_e_wstring_t *)ms)->ms_s_len = lied_length;
    return ms;
}

static char *host_string(const char *text)
{
    return strcpy(host_alloc(strlen(text) + 1), text);
}

Test(execute_ecall_hostile, string_of_no_length_is_refused)
{
    size_t size;

    harness.change_ms = lie_about_length;
    lied_length = 0;
    REFUSED(e_string(1, &size, host_string("abc")));
    harness.change_ms = lie_about_wide_length;
    REFUSED(e_wstring(1, &size, host_alloc(16)));
    assert_nothing_happened();
}

Test(execute_ecall_hostile, string_that_is_shorter_than_said_is_refused)
{
    size_t size;

    harness.change_ms = lie_about_length;
    lied_length = 6;
    COMES_TO(SGX_ERROR_UNEXPECTED, e_string(1, &size, host_string("abc")));
    assert_nothing_happened();
    harness.change_ms = lie_about_wide_length;
    lied_length = 16;
    COMES_TO(SGX_ERROR_UNEXPECTED, e_wstring(1, &size, host_alloc(16)));
    assert_nothing_happened();
}

Test(execute_ecall_hostile, string_without_end_is_ended)
{
    size_t size;

    harness.change_ms = lie_about_length;
    lied_length = 3;
    SUCCEEDS(e_string(1, &size, host_string("abcdef")));
    cr_assert_eq(size, 2);
    cr_assert_eq(memcmp(seen.bytes[0], "ab", 3), 0);
}

Test(execute_ecall_hostile, wide_string_of_half_a_character_is_refused)
{
    size_t size;

    harness.change_ms = lie_about_wide_length;
    lied_length = 6;
    REFUSED(e_wstring(1, &size, host_alloc(16)));
    assert_nothing_happened();
}

Test(execute_ecall_hostile, string_that_reaches_into_the_enclave_is_refused)
{
    size_t size;
    char *s = memcpy(host_just_below(4), "abc", 4);

    harness.change_ms = lie_about_length;
    lied_length = 5;
    REFUSED(e_string(1, &size, s));
    lied_length = SIZE_MAX;
    REFUSED(e_string(1, &size, s));
    assert_nothing_happened();
}

static char *string_to_grow;

/* The host has counted; now the string has no end any more. */
static void *grow_string(void *ms)
{
    memset(string_to_grow, 'g', 16);
    return ms;
}

Test(execute_ecall_hostile, string_that_grows_after_it_was_counted_is_cut)
{
    size_t size;

    string_to_grow = host_alloc(16);
    strcpy(string_to_grow, "abc");
    harness.change_ms = grow_string;
    SUCCEEDS(e_inout_string(1, &size, string_to_grow));
    cr_assert_eq(size, 4);
    cr_assert_eq(string_to_grow[3], '\0');
    for (int i = 4; i < 16; i++)
        cr_assert_eq(string_to_grow[i], 'g');
}

/* ------------------------------------------------------------------ what goes out */

Test(execute_ecall_hostile, fields_gaps_do_not_carry_trusted_bytes)
{
    struct padded *p = host_alloc(sizeof *p);
    unsigned char *gap = (unsigned char *)p + 1;

    SUCCEEDS(e_struct_pointer(1, &result, p));
    for (size_t i = 0; i < sizeof(long) - 1; i++)
        cr_assert_eq(gap[i], 0);
}

#if defined(__GNUC__) && !defined(__clang__)
Test(execute_ecall_hostile, result_structures_gaps_are_cleared)
{
    struct padded p = {.c = 'c', .l = 1};
    unsigned char *gap;

    memset((char *)&p + 1, 0x77, sizeof(long) - 1);
    ms_bytes = sizeof(ms_e_struct_t);
    harness.change_ms = ms_into_arena;
    SUCCEEDS(e_struct(1, NULL, p, 0.0L));
    gap = (unsigned char *)ms_place + offsetof(ms_e_struct_t, ms_retval) + 1;
    for (size_t i = 0; i < sizeof(long) - 1; i++)
        cr_assert_eq(gap[i], 0);
}
#endif
